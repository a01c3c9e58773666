package zone

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// The examples of RFC 9018, appendix A.
func TestM7Vectors(t *testing.T) {
	const first, v6, rolled = "e5e973e5a6b2a43f48e7dc849e37bfcf", "dd3bdf9344b678b185a6f5cb60fca715", "445536bcd2513298075a5d379663c962"
	for about, row := range map[string]struct {
		secrets        []string
		from           string
		now            uint32
		sent, answered string
		trust          trust
	}{
		"A.1 new":                           {[]string{first}, "198.51.100.100", 1559731985, "2464c4abcf10c957", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", newcomer},
		"A.2 renewed":                       {[]string{first}, "198.51.100.100", 1559734385, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf7a871d4a564a1442aca77", knownClient},
		"A.3 reserved octets, and too old":  {[]string{first}, "203.0.113.203", 1559734700, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", badCookie},
		"A.3 reserved octets, when in time": {[]string{first}, "203.0.113.203", 0x5cf78f71 + 3, "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", knownClient},
		"A.4 rolled over":                   {[]string{rolled, v6}, "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", knownClient},
		"secret forgotten":                  {[]string{rolled}, "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961, "22681ab97d52c298010000005cf7c57926556bd0934c72f8", "22681ab97d52c298010000005cf7c609a6bb79d16625507a", badCookie},
		"another client":                    {[]string{first}, "198.51.100.100", 1559734700, "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e", "", badCookie},
		"another version":                   {[]string{first}, "198.51.100.100", 1559731985, "2464c4abcf10c957020000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", badCookie},
		"of another kind":                   {[]string{first}, "198.51.100.100", 1559731985, "2464c4abcf10c957" + "0102030405060708", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", badCookie},
		"before its time":                   {[]string{first}, "198.51.100.100", 1559731985 - 300, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "2464c4abcf10c957010000005cf79f111f8130c3eee29480", knownClient},
		"long before its time":              {[]string{first}, "198.51.100.100", 1559731985 - 301, "2464c4abcf10c957010000005cf79f111f8130c3eee29480", "", badCookie},
	} {
		t.Run(about, func(t *testing.T) {
			var p problems
			j := Cookies{Secrets: row.secrets}.compile(&p)
			if p.Err() != nil {
				t.Fatal(p)
			}
			sent, err := hex.DecodeString(row.sent)
			if err != nil {
				t.Fatal(err)
			}
			got, trust := j.reply(sent, netip.MustParseAddr(row.from), row.now)
			if trust != row.trust || (row.answered != "" && hex.EncodeToString(got[:]) != row.answered) {
				t.Errorf("%x, %d; want %s, %d", got, trust, row.answered, row.trust)
			}
			if again, trust := j.reply(got[:], netip.MustParseAddr(row.from), row.now); trust != knownClient || again != got {
				t.Errorf("its own cookie is %d, answered with %x", trust, again)
			}
		})
	}
}

// cookieOf is the cookie in an answer, empty if there is none.
func cookieOf(a *dns.Msg) string {
	if opt := a.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if c, ok := o.(*dns.EDNS0_COOKIE); ok {
				return c.Cookie
			}
		}
	}
	return ""
}

// cookieQuery asks with a COOKIE option of some octets in hexadecimal.
func cookieQuery(cookie string) *dns.Msg {
	q := query("7.2.0.192.bl.test.", "A")
	q.SetEdns0(ednsSize, false)
	opt := q.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
	return q
}

const clientHex = "2464c4abcf10c957"

// M7: a cookie comes when asked for, and never else; one of a wrong size is
// FORMERR.
func TestM7(t *testing.T) {
	b := newServer(t, config(t), "192.0.2.7 helo-bare-ip")
	a := b.reply(cookieQuery(clientHex), UDP)
	whole := cookieOf(a)
	if len(whole) != 2*wholeCookie || !strings.HasPrefix(whole, clientHex) || len(a.Answer) != 1 {
		t.Fatalf("%v", a)
	}
	if got := cookieOf(b.reply(cookieQuery(whole), UDP)); got != whole {
		t.Errorf("a good cookie is answered with %s", got)
	}
	if err := b.server.Configure(config(t)); err != nil || cookieOf(b.reply(cookieQuery(whole), UDP)) != whole {
		t.Error("the random secret is forgotten when the configuration is read again")
	}
	for _, plain := range []*dns.Msg{query("7.2.0.192.bl.test.", "A"), query("bl.test.", "SOA"), query("example.test.", "A")} {
		for _, edns := range []bool{false, true} {
			if edns {
				plain.SetEdns0(ednsSize, true)
			}
			if a := b.reply(plain, UDP); cookieOf(a) != "" {
				t.Errorf("unasked: %v", a)
			}
		}
	}
	for size := range 50 {
		a := b.reply(cookieQuery(strings.Repeat("5a", size)), TCP)
		good := size == 8 || (size >= 16 && size <= 40)
		if (a.Rcode == dns.RcodeSuccess) != good || (a.Rcode == dns.RcodeFormatError) == good || (cookieOf(a) != "") != good || a.IsEdns0() == nil {
			t.Errorf("%d octets: %v", size, a)
		}
	}
	refused := cookieQuery(clientHex)
	refused.Question[0].Name = "example.test."
	if a := b.reply(refused, UDP); a.Rcode != dns.RcodeRefused || cookieOf(a) == "" {
		t.Errorf("%v", a)
	}
}

// M7: only the first of several cookies counts (RFC 7873, section 5.2).
func TestM7Several(t *testing.T) {
	b := newServer(t, config(t), "")
	q := cookieQuery(clientHex)
	opt := q.IsEdns0()
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "01"})
	if got := cookieOf(b.reply(q, UDP)); !strings.HasPrefix(got, clientHex) {
		t.Errorf("%s", got)
	}
}

// M5, M7: a cookie is to be had without a question (RFC 7873, section 5.4).
func TestM7WithoutQuestion(t *testing.T) {
	b := newServer(t, config(t), "")
	q := cookieQuery(clientHex)
	q.Question = nil
	a := b.reply(q, UDP)
	whole := cookieOf(a)
	if a.Rcode != dns.RcodeSuccess || a.Authoritative || len(a.Answer)+len(a.Ns) > 0 || whole == "" {
		t.Fatalf("%v", a)
	}
	for cookie, rcode := range map[string]int{whole: dns.RcodeSuccess, clientHex + "0102030405060708": dns.RcodeBadCookie} {
		q := cookieQuery(cookie)
		q.Question = nil
		if a := b.reply(q, UDP); a.Rcode != rcode || cookieOf(a) != whole {
			t.Errorf("%s: %v", cookie, a)
		}
	}
	without := query("bl.test.", "A")
	without.Question = nil
	without.SetEdns0(ednsSize, false)
	if a := b.reply(without, UDP); a.Rcode != dns.RcodeFormatError {
		t.Errorf("no cookie: %v", a)
	}
}

// M7: where cookies are demanded, those who speak of them show a good one, over
// UDP; all others are answered as ever.
func TestM7Demand(t *testing.T) {
	c := config(t)
	c.Cookies.Demand = true
	b := newServer(t, c, "192.0.2.7 helo-bare-ip")
	a := b.reply(cookieQuery(clientHex), UDP)
	whole := cookieOf(a)
	if a.Rcode != dns.RcodeBadCookie || len(a.Answer) > 0 || a.Authoritative || len(a.Question) != 1 || whole == "" {
		t.Fatalf("%v", a)
	}
	forged := clientHex + strings.Repeat("00", serverCookie)
	for about, row := range map[string]struct {
		query *dns.Msg
		over  Transport
		rcode int
	}{
		"good":             {cookieQuery(whole), UDP, dns.RcodeSuccess},
		"forged":           {cookieQuery(forged), UDP, dns.RcodeBadCookie},
		"new, over TCP":    {cookieQuery(clientHex), TCP, dns.RcodeSuccess},
		"forged, TCP":      {cookieQuery(forged), TCP, dns.RcodeSuccess},
		"without a cookie": {query("7.2.0.192.bl.test.", "A"), UDP, dns.RcodeSuccess},
	} {
		if a := b.reply(row.query, row.over); a.Rcode != row.rcode || (len(a.Answer) == 1) != (row.rcode == dns.RcodeSuccess) {
			t.Errorf("%s: %v", about, a)
		}
	}
	if got := b.server.Stats().UDP; got["badcookie"] != 2 {
		t.Errorf("%+v", got)
	}
}

// Servers that share secrets know each other's cookies, also while they roll
// over one by one.
func TestM7RollOver(t *testing.T) {
	const old, next = "000102030405060708090a0b0c0d0e0f", "0f0e0d0c0b0a09080706050403020100"
	stages := [][]string{{old}, {old, next}, {next, old}, {next}}
	server := func(secrets []string) *bench {
		c := config(t)
		c.Cookies = Cookies{Secrets: secrets, Demand: true}
		return newServer(t, c, "192.0.2.7 helo-bare-ip")
	}
	for n := range stages[1:] {
		before, after := server(stages[n]), server(stages[n+1])
		for _, pair := range [][]*bench{{before, after}, {after, before}} {
			cookie := cookieOf(pair[0].reply(cookieQuery(clientHex), UDP))
			if a := pair[1].reply(cookieQuery(cookie), UDP); a.Rcode != dns.RcodeSuccess {
				t.Errorf("from %v to %v: %v", stages[n], stages[n+1], a)
			}
		}
	}
}

func TestM7Secrets(t *testing.T) {
	for _, secret := range []string{"", "00", wireSecret + "00", strings.Repeat("x", 32)} {
		c := config(t)
		c.Cookies.Secrets = []string{wireSecret, secret}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "secret 2") || (len(secret) > 2 && strings.Contains(err.Error(), secret)) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	c := config(t)
	c.Cookies.Secrets = slices.Repeat([]string{wireSecret}, 9)
	if err := c.Validate(); err == nil {
		t.Error("nine secrets")
	}
	one, other := randomSecret(), randomSecret()
	if one == other {
		t.Error("not random")
	}
}
