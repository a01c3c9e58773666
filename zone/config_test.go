package zone

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"

	"github.com/miekg/dns"
)

// Every mistake is found, and all are told at once.
func TestValidate(t *testing.T) {
	if err := config(t).Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		`there is no zone to serve`:                                  func(c *Config) { c.Zones = nil },
		`there is no catalogue`:                                      func(c *Config) { c.Reasons = nil },
		`zone "": "" is not a domain name`:                           func(c *Config) { c.Zones[0].Name = "" },
		`zone ".": "." is not a domain name`:                         func(c *Config) { c.Zones[0].Name = "." },
		`zone "a..b": "a..b" is not a domain name`:                   func(c *Config) { c.Zones[0].Name = "a..b" },
		`zone "b l.test": "b l.test" is not a domain name`:           func(c *Config) { c.Zones[0].Name = "b l.test" },
		`"\\000.test" is not a domain name`:                          func(c *Config) { c.Zones[0].Name = `\000.test` },
		`"-bl.test" is not a domain name`:                            func(c *Config) { c.Zones[0].Name = "-bl.test" },
		`xx" is not a domain name`:                                   func(c *Config) { c.Zones[0].Name = strings.Repeat("x", 64) + "xx" },
		`its name is too long`:                                       func(c *Config) { c.Zones[0].Name = strings.Repeat(strings.Repeat("x", 60)+".", 3) + "bl.test" },
		`zone bl.test. is there twice`:                               func(c *Config) { c.Zones[1].Name = "BL.test." },
		`zone "bl.test": ttl = -1s: from 1s to 1d`:                   func(c *Config) { c.Zones[0].TTL = -time.Second },
		`zone "bl.test": ttl = 10ms: from 1s to 1d`:                  func(c *Config) { c.Zones[0].TTL = 10 * time.Millisecond },
		`zone "bl.test": negative_ttl = 25h0m0s: from 1s to 1d`:      func(c *Config) { c.Zones[0].NegativeTTL = 25 * time.Hour },
		`zone "bl.test": ns: a zone needs a name server`:             func(c *Config) { c.Zones[0].NS = nil },
		`zone "bl.test": ns: "n s" is not a domain name`:             func(c *Config) { c.Zones[0].NS = []NameServer{{Name: "n s"}} },
		`ns: 7.2.0.192.bl.test. could be the name of an address`:     func(c *Config) { c.Zones[0].NS = []NameServer{{Name: "7.2.0.192.bl.test"}} },
		`ns: ns.a.bl.test. could be the name of an address`:          func(c *Config) { c.Zones[0].NS = []NameServer{{Name: "ns.a.bl.test"}} },
		`reasons: there is no reason 99`:                             func(c *Config) { c.Zones[0].Reasons = []listing.Reason{99} },
		`mailbox "@bl.test": write it like hostmaster.bl.example`:    func(c *Config) { c.Zones[0].Mailbox = "@bl.test" },
		`mailbox "a b@bl.test": write it like hostmaster.bl.example`: func(c *Config) { c.Zones[0].Mailbox = "a b@bl.test" },
		`"host master" is not a domain name`:                         func(c *Config) { c.Zones[0].Mailbox = "host master" },
		`txt = "a\nb": up to 255 printable ASCII characters`:         func(c *Config) { c.Zones[0].TXT = []string{"a\nb"} },
		`policy = "`: func(c *Config) { c.Zones[0].Policy = strings.Repeat("x", 256) },
		`page = "ftp://bl.example/": an address such as`:     func(c *Config) { c.Zones[0].Page = "ftp://bl.example/" },
		`page = "https://bl.example/ x": an address such as`: func(c *Config) { c.Zones[0].Page = "https://bl.example/ x" },
		`page = "https://bl.example/`:                        func(c *Config) { c.Zones[0].Page = "https://bl.example/" + strings.Repeat("x", 100) },
		`"mail example" is not a domain name`:                func(c *Config) { c.Zones[0].MX = []MX{{10, "mail example"}} },
		`is not an address to publish`:                       func(c *Config) { c.Zones[0].Addresses = []netip.Addr{{}} },
		`chaos: version = "a\x00"`:                           func(c *Config) { c.Chaos.Version = "a\x00" },
		`nsid: up to 128 octets`:                             func(c *Config) { c.NSID = strings.Repeat("x", 129) },
		`tcp: connections = -1: at least 1`:                  func(c *Config) { c.TCP.All = -1 },
		`tcp: per_client = -1: at least 1`:                   func(c *Config) { c.TCP.PerClient = -1 },
		`tcp: idle = 31s: up to 30s`:                         func(c *Config) { c.TCP.Idle = 31 * time.Second },
	} {
		c := config(t)
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s\n got %v", want, err)
		}
	}
	c := config(t)
	c.Zones[0].TTL, c.Zones[1].NS, c.TCP.Idle = -1, nil, time.Hour
	err := c.Validate()
	for _, want := range []string{`zone "bl.test": ttl`, `zone "strict.bl.test": ns`, "tcp: idle"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not among\n%v", want, err)
		}
	}
	if s, err := New(nil, nil, c); s != nil || err == nil {
		t.Error("New takes a configuration with mistakes")
	}
}

func TestParseNameServerAndMX(t *testing.T) {
	ns, err := ParseNameServer(" ns1.bl.test 192.0.2.53  2001:db8::53 ")
	if err != nil || ns.Name != "ns1.bl.test" || len(ns.Addresses) != 2 {
		t.Errorf("%v, %v", ns, err)
	}
	for _, text := range []string{"", " ", "ns1.bl.test 192.0.2", "ns1.bl.test ns2.bl.test"} {
		if ns, err := ParseNameServer(text); err == nil {
			t.Errorf("%q: %v", text, ns)
		}
	}
	mx, err := ParseMX("10 mail.example.test")
	if err != nil || mx != (MX{10, "mail.example.test"}) {
		t.Errorf("%v, %v", mx, err)
	}
	for _, text := range []string{"", "mail.example.test", "10", "-1 mail.example.test", "65536 mail.example.test", "10 a b"} {
		if mx, err := ParseMX(text); err == nil {
			t.Errorf("%q: %v", text, mx)
		}
	}
}

func TestMailbox(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "hostmaster.bl.test.",
		"abuse.example.test":            "abuse.example.test.",
		"Abuse@Example.test":            "Abuse.example.test.",
		"dns.abuse+bl@example.test":     `dns\.abuse+bl.example.test.`,
		"hostmaster@strict.bl.test":     "hostmaster.strict.bl.test.",
		"_hostmaster.strict.bl.example": "_hostmaster.strict.bl.example.",
	} {
		c := config(t)
		c.Zones[0].Mailbox = in
		b := newServer(t, c, "")
		if soa := b.reply(query("bl.test.", "SOA"), UDP).Answer[0].(*dns.SOA); soa.Mbox != want {
			t.Errorf("%q: %s, want %s", in, soa.Mbox, want)
		}
	}
}

// Another configuration is in force from one query to the next; one with
// mistakes leaves the old one.
func TestConfigure(t *testing.T) {
	b := serve(t, config(t), "192.0.2.7 helo-bare-ip")
	c := config(t)
	c.Zones = c.Zones[:1]
	c.Zones[0].TTL = 60 * time.Second
	if err := b.server.Configure(c); err != nil {
		t.Fatal(err)
	}
	after := `
		? 7.2.0.192.bl.test. A
		NOERROR
		7.2.0.192.bl.test. 60 IN A 127.0.0.2

		? strict.bl.test. SOA
		NXDOMAIN
	`
	b.expects(after)
	c.Zones = nil
	if err := b.server.Configure(c); err == nil {
		t.Fatal("a configuration without zones")
	}
	b.expects(after)
}

// The digest tells configurations apart that answer differently, and only
// those.
func TestDigest(t *testing.T) {
	first := config(t).Digest()
	same := config(t)
	same.TCP.All, same.NSID = 7, "x"
	same.Zones[0], same.Zones[1] = same.Zones[1], same.Zones[0]
	if same.Digest() != first {
		t.Error("another digest of the same zones")
	}
	infos := listing.DefaultReasons()
	infos[0].Text = "is something else"
	other, err := listing.NewReasons(infos)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Config){
		"ttl":     func(c *Config) { c.Zones[0].TTL = time.Minute },
		"ns":      func(c *Config) { c.Zones[0].NS = c.Zones[0].NS[:1] },
		"reasons": func(c *Config) { c.Zones[1].Reasons = []listing.Reason{3} },
		"text":    func(c *Config) { c.Reasons = other },
	} {
		c := config(t)
		change(&c)
		if c.Digest() == first {
			t.Errorf("%s: the same digest", what)
		}
	}
}
