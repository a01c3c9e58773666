package config

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"dnsbld/listing"
)

// parse reads a configuration as `dnsbld check` does.
func parse(t *testing.T, text string) (Config, error) {
	t.Helper()
	if !strings.Contains(text, "[[zone]]") {
		text += "\n[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\n"
	}
	path := filepath.Join(t.TempDir(), "dnsbld.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, nil)
}

func TestExample(t *testing.T) {
	c, err := parse(t, Example)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Zone.Zones) != 2 || c.Zone.Zones[0].Name != "bl.test" || c.Zone.Zones[1].Name != "strict.bl.test" {
		t.Errorf("zones: %+v", c.Zone.Zones)
	}
	if got := c.Zone.Zones[1].Reasons; len(got) != 3 || got[0] != 3 || got[2] != 5 {
		t.Errorf("reasons of strict.bl.test: %v", got)
	}
	if i, err := c.Rules.Reasons.Find("honeypot"); err != nil || i.Code != 100 || i.Base != listing.Life(2*listing.Day) {
		t.Errorf("an own reason: %+v, %v", i, err)
	}
}

// The example shows each key with the value that it has when it is left out.
func TestExampleShowsDefaults(t *testing.T) {
	example, err := parseFile("example.toml", []byte(Example))
	if err != nil {
		t.Fatal(err)
	}
	d := defaultFile()
	if example.Data != d.Data || example.LogFormat != d.LogFormat || !reflect.DeepEqual(example.Policy, d.Policy) || example.TCP != d.TCP || example.Limits != d.Limits ||
		strings.Join(example.Listen.DNS, " ") != strings.Join(d.Listen.DNS, " ") || example.Chaos != d.Chaos ||
		example.Listen.Workers != d.Listen.Workers || example.Listen.Coalesce != d.Listen.Coalesce || len(example.Listen.CookieSecrets) > 0 || example.Cookies.Demand {
		t.Errorf("the example differs from the defaults:\n%+v\n%+v", example, d)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Socket != "var/control.sock" || len(c.DNS) != 2 || c.Zone.Zones[0].Name != "bl.test" || len(c.Notes) == 0 {
		t.Errorf("%+v", c)
	}
}

// Every door gets its limits from the file. In development this host has none of
// its own; trusted proxies never have.
func TestConnectionLimits(t *testing.T) {
	c, err := parse(t, "[tcp]\nper_client = 7\n[limits]\nweb_connections_per_client = 8\ncollector_connections = 9\ncontrol_connections_per_user = 10\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Zone.TCP.PerClient != 7 || c.Web.Site.Limits.PerClient != 8 || c.Mail.Collect.Limits.All != 9 || c.Control.PerClient != 10 || c.Web.Site.Limits.Connections != 1000 {
		t.Errorf("%+v %+v %+v %+v", c.Zone.TCP, c.Web.Site.Limits, c.Mail.Collect.Limits, c.Control)
	}
	if len(c.Zone.TCP.Exempt) > 0 || len(c.Mail.Collect.Limits.Exempt) > 0 || c.Web.Site.Limits.ExemptLoopback {
		t.Error("this host is exempt")
	}
	if c, err = Load("", nil); err != nil || len(c.Zone.TCP.Exempt) != 2 || len(c.Mail.Collect.Limits.Exempt) != 2 || !c.Web.Site.Limits.ExemptLoopback {
		t.Errorf("in development: %+v, %v", c.Zone.TCP, err)
	}
}

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"roles":          {"[roles]\nsupport = [\"no such group\"]\n", []string{"roles.support", "no such group", "roles.operator"}},
		"limits":         {"[limits]\nweb_connections = 0\ncollector_connections_per_client = -1\n", []string{"limits.web_connections = 0: at least 1", "limits.collector_connections_per_client = -1"}},
		"canaries":       {"[policy]\ncanaries = [\"192.0.2.1/24\"]\n", []string{"policy.canaries", "192.0.2.1/24"}},
		"unknown keys":   {"zonee = 1\n[listen]\ndnss = []\nworkers = -1\n", []string{":1: there is no key zonee", ":3: there is no key listen.dnss", "listen.workers"}},
		"syntax":         {"data = \"x\"\n[listen\n", []string{"dnsbld.toml:2:"}},
		"type":           {"data = 3\n", []string{"dnsbld.toml:1:", "data: this value is not of the kind"}},
		"type, deeper":   {"[listen]\nworkers = \"many\"\n", []string{"dnsbld.toml:2:", "listen.workers: this value is not of the kind"}},
		"all of meaning": {"log_format = \"xml\"\n[listen]\ndns = [\"nowhere\"]\n[policy]\nwidest_v4 = 3\nmax_changes = 0\n", []string{"log_format", "listen.dns", "widest_v4", "max_changes"}},
		"workers":        {"[listen]\nworkers = -1\ncoalesce = \"soon\"\n", []string{"listen.workers", "listen.coalesce"}},
		"workers, many":  {"[listen]\nworkers = 1025\n", []string{"listen.workers", "1024"}},
		"coalesce long":  {"[listen]\ncoalesce = \"11ms\"\n", []string{"coalesce = 11ms"}},
		"coalesce":       {"[listen]\ncoalesce = \"-1us\"\n", []string{"coalesce = -1"}},
		"coalesce bare":  {"[listen]\ncoalesce = \"250\"\n", []string{"listen.coalesce", "250us"}},
		"dns twice":      {"[listen]\ndns = [\"192.0.2.1:53\", \"[::1]:53\", \"192.0.2.1:53\"]\n", []string{"listen.dns", "192.0.2.1:53", "twice"}},
		"dns port":       {"[listen]\ndns = [\"192.0.2.1\", \"192.0.2.1:65536\", \":53\"]\n", []string{"\"192.0.2.1\"", "65536", "\":53\""}},
		"dns none":       {"[listen]\ndns = []\n", []string{"no address"}},
		"cookies twice":  {"[listen]\ncookie_secrets = [\"00\"]\n[cookies]\nsecrets = [\"00\"]\n", []string{"listen.cookie_secrets", "older name"}},
		"cookies listen": {"[listen]\ncookie_secrets = [\"00\"]\n", []string{"secret 1", "32"}},
		"cookies":        {"[cookies]\nsecrets = [\"00\"]\n", []string{"secret 1", "32"}},
		"zone reasons":   {"[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\nreasons = [\"nonsense\"]\n", []string{"bl.test", "nonsense"}},
		"zone ttl":       {"[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\nttl = \"soon\"\n", []string{"ttl", "soon"}},
		"zone name":      {"[[zone]]\nname = \"bl..test\"\nns = [\"ns.bl.test\"]\n", []string{"bl..test"}},
		"no ns":          {"[[zone]]\nname = \"bl.test\"\n", []string{"name server"}},
		"no such key":    {"[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\ntransfer_key = \"k.test\"\n", []string{"transfer_key", "k.test"}},
		"key":            {"[[key]]\nname = \"k.test\"\nsecret = \"c2hvcnQ=\"\n", []string{"k.test", "secret", "keygen"}},
		"key algorithm":  {"[[key]]\nname = \"k.test\"\nalgorithm = \"hmac-md5\"\n", []string{"hmac-md5", "hmac-sha256"}},
		"secondaries":    {"[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\ntransfer_from = [\"192.0.2.1/24\"]\nnotify = [\"ns2\"]\n", []string{"transfer_from", "192.0.2.1/24", "notify", "ns2"}},
		"our address":    {"[our]\naddresses = [\"mail.example\"]\n", []string{"our.addresses", "mail.example"}},
		"reason number":  {"[[reason]]\ncode = 30\nsymbol = \"x\"\n", []string{"30", "100"}},
		"reason symbol":  {"[[reason]]\ncode = 2\nsymbol = \"x\"\n", []string{"helo-bare-ip"}},
		"reason text":    {"[[reason]]\ncode = 100\nsymbol = \"x\"\n", []string{"text"}},
		"reason 10":      {"[[reason]]\ncode = 255\nsymbol = \"x\"\n", []string{"254"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, c.text)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("does not say %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "config.") || strings.Contains(err.Error(), "struct") {
				t.Errorf("names types of the program: %v", err)
			}
		})
	}
}

// A reload names the keys that wait for the next start, if they changed.
func TestNeedRestart(t *testing.T) {
	const plain = "data = \"var\"\n"
	load := func(text string) Config {
		c, err := parse(t, text)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	begun := load(plain)
	for text, want := range map[string]string{
		plain: "", plain + "[thresholds.helo-bare-ip]\nsessions = 9\n": "",
		"data = \"other\"\n": "data socket", "log_format = \"json\"\n" + plain: "log_format",
		plain + "[listen]\ndns = [\"192.0.2.1:53\"]\nweb = \"\"\n":       "listen.dns listen.web",
		plain + "[xot]\nkey = \"other.pem\"\n":                           "xot",
		plain + "[sensor]\nreceiver = \"mx7\"\npolicy_mode = \"0600\"\n": "sensor.policy_mode sensor.receiver",
	} {
		if got := strings.Join(load(text).NeedsRestart(begun), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A mirror is told where its zone comes from, and what would write to its list is a
// mistake.
func TestMirror(t *testing.T) {
	const zone = "[[zone]]\nname = \"bl.test\"\nprimary = \"192.0.2.53\"\n"
	c, err := parse(t, zone)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mirror != "bl.test" || c.Rules.Primary != "192.0.2.53:53 (bl.test)" || c.Web.Pages != "" || c.Zone.Zones[0].Primary.Address.Port() != 53 {
		t.Errorf("%+v", c)
	}
	if c, err = parse(t, zone+"primary_tls = \"ns1.bl.test\"\n"); err != nil || c.Zone.Zones[0].Primary.Address.Port() != 853 || c.Zone.Zones[0].Primary.TLS.ServerName != "ns1.bl.test" {
		t.Errorf("over TLS: %+v, %v", c.Zone.Zones, err)
	}
	for text, want := range map[string]string{
		"[sensor]\npolicy = \"127.0.0.1:10040\"\n" + zone:  "report sessions to the primary",
		"[listen]\nweb = \"127.0.0.1:8054\"\n" + zone:      "leave them to the primary",
		zone + "key = \"none.test\"\n":                     "there is no [[key]]",
		zone + "primary_ca = \"x\"\nprimary_tls = \"x\"\n": "primary_ca",
		zone + "primary_ca = \"x\"\n":                      "primary_ca: it is for primary_tls",
		zone + "ns = [\"ns1.bl.test\"]\n":                  "come from there",
		zone + "ttl = 300\n":                               "ttl, negative_ttl: they come from the primary",
		zone + "negative_ttl = \"5m\"\n":                   "ttl, negative_ttl: they come from the primary",
		strings.Replace(zone, "192.0.2.53", "ns1", 1):      "write an address such as",
		strings.Replace(zone, "primary", "key", 1):         "there is no primary",
	} {
		if _, err := parse(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "mirror.toml")
	if err := os.WriteFile(path, []byte(zone), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, func(f *File) { f.ReadOnly = "backup.db" }); err == nil || !strings.Contains(err.Error(), "--read-only") {
		t.Errorf("read-only: %v", err)
	}
}

// A file without zones serves nobody; without a file there is one to try.
func TestNoZones(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dnsbld.toml")
	if err := os.WriteFile(path, []byte("data = \"var\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "zone: there is none") {
		t.Errorf("%v", err)
	}
}

// A container's share of the processors says how many workers there are.
func TestWorkersByDefault(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for processors, want := range map[int]int{1: 1, 2: 1, 5: 4} {
		runtime.GOMAXPROCS(processors)
		c, err := Load("", nil)
		if err != nil || c.Workers != want {
			t.Errorf("%d processors: %d workers, %v", processors, c.Workers, err)
		}
	}
}

func TestReasonsCanBeChanged(t *testing.T) {
	c, err := parse(t, "[[reason]]\ncode = 2\ntext = \"said an address\"\nbase = \"1d\"\n")
	if err != nil {
		t.Fatal(err)
	}
	i, _ := c.Rules.Reasons.Info(listing.BareIP)
	if i.Text != "said an address" || i.Base != listing.Life(listing.Day) || i.Symbol != "helo-bare-ip" || i.Repeat != 2 {
		t.Errorf("%+v", i)
	}
}

// Whatever changes what zones say changes the hash, and nothing else does.
func TestHash(t *testing.T) {
	const zone = "[[zone]]\nname = \"bl.test\"\nns = [\"ns.bl.test\"]\n"
	hash := func(text string) string {
		c, err := parse(t, text)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash
	}
	base := hash(zone)
	if base == "" || hash("log_format = \"json\"\n"+zone) != base {
		t.Error("the hash depends on what zones do not show")
	}
	for _, other := range []string{zone + "ttl = 60\n", zone + "[[reason]]\ncode = 2\ntext = \"x\"\n", strings.Replace(zone, "ns.", "ns2.", 1)} {
		if hash(other) == base {
			t.Errorf("the hash does not change with %q", other)
		}
	}
}
