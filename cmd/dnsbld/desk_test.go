package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"dnsbld/cmd/dnsbld/config"
	"dnsbld/ctl"
	"dnsbld/db"
	"dnsbld/listing"
	"dnsbld/listing/removal"
)

func TestDeskKeyIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.key")
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	first := db.OpenKey(path, log)
	if len(first) != 32 {
		t.Fatalf("%d octets", len(first))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v, %v", info.Mode(), err)
	}
	if again := db.OpenKey(path, log); !bytes.Equal(first, again) || said.Len() > 0 {
		t.Errorf("the next start has another key: %s", said.String())
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if other := db.OpenKey(path, log); len(other) != 32 || bytes.Equal(first, other) || !strings.Contains(said.String(), "do not verify") {
		t.Errorf("a damaged key is replaced in silence: tokens and letters no longer verify; %s", said.String())
	}
	if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != "short\n" {
		t.Errorf("the damaged key is not kept: %q, %v", kept, err)
	}
	said.Reset()
	unmade := db.OpenKey(filepath.Join(t.TempDir(), "no directory", "desk.key"), log)
	if len(unmade) != 32 || !strings.Contains(said.String(), "until the end of the program") {
		t.Errorf("where none can be made: %d octets, %s", len(unmade), said.String())
	}
}

// A mail from a listed address to its probe address, as a mail server tells of
// it, makes the entry eligible at once.
func TestProbeSession(t *testing.T) {
	r := start(t, shortDir(t), func(f *config.File) { f.Desk.Probe = "probe.bl.example" })
	client, at := netip.MustParseAddr("203.0.113.7"), time.Now().Add(-time.Hour)
	tell := func(text string) {
		t.Helper()
		if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	decided := func() removal.Code {
		t.Helper()
		d, err := r.client.Eligibility(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		return d.Code
	}
	session := func(id, greeting, to string) string {
		return fmt.Sprintf(`{"time":%q,"receiver":"mx2","id":%q,"client":%q,"verb":"EHLO","helo":%q,"rcpts":[%q],"ptr":["mail.sender.example"],"fcrdns":true}`+"\n",
			at.UTC().Format(time.RFC3339), id, client, greeting, to)
	}
	tell(session("good", "mail.sender.example", "a@rcpt.example"))
	at = at.Add(time.Minute)
	tell(sessions("mx2", client.String(), 6, at, "198.51.100.25", "198.51.100.26"))
	if code := decided(); code != removal.MixedTraffic {
		t.Fatalf("at first: %s", code)
	}
	letter, err := r.client.Letter(t.Context(), ctl.LetterQuery{Address: client, Ticket: ""})
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`helo\+[a-z2-7]{39}@probe\.bl\.example`).FindString(letter.Letter)
	if token == "" {
		t.Fatalf("no probe address in\n%s", letter.Letter)
	}
	at = at.Add(time.Minute)
	tell(session("forged", "mail.sender.example", "helo+"+strings.Repeat("a", 39)+"@probe.bl.example"))
	tell(session("bogus", "198.51.100.25", token))
	tell(strings.ReplaceAll(session("neighbour", "mail.sender.example", token), client.String(), "203.0.113.8"))
	if code := decided(); code != removal.MixedTraffic {
		t.Errorf("what is no proof led to %s", code)
	}
	at = at.Add(time.Minute)
	tell(session("clean", "mail.sender.example", strings.ToUpper(token)))
	if code := decided(); code != removal.OKSelf {
		t.Errorf("with a clean probe: %s", code)
	}
}

// A token in TXT at the name of the address is proof: dnsbld asks its resolver,
// and only when somebody asks.
func TestTokenInTXT(t *testing.T) {
	var asked atomic.Int32
	var txt atomic.Pointer[string]
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		records := []string{"7.113.0.203.in-addr.arpa. 60 PTR mail.sender.example.", "mail.sender.example. 60 A 203.0.113.7"}
		if text := txt.Load(); text != nil {
			records = append(records, `mail.sender.example. 0 TXT "`+*text+`"`)
		}
		for _, text := range records {
			if rr, err := dns.NewRR(text); err == nil && rr.Header().Name == strings.ToLower(q.Question[0].Name) && rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	go answers.ActivateAndServe()
	t.Cleanup(func() { answers.Shutdown() })

	r := start(t, shortDir(t), func(f *config.File) { f.Sensor.Resolver = conn.LocalAddr().String() })
	client := netip.MustParseAddr("203.0.113.7")
	text := sessions("mx2", client.String(), 6, time.Now().Add(-7*time.Hour), "198.51.100.25", "198.51.100.26")
	if _, err := r.client.Observe(t.Context(), ctl.None{}, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	first, err := r.client.Request(t.Context(), ctl.DeskRequest{Address: client.String(), Delist: true})
	if err != nil || first.Outcome != removal.Removed {
		t.Fatalf("once in 30 days it takes no proof: %+v, %v", first.Decision, err)
	}
	if _, err := r.client.Add(t.Context(), listing.Add{Subject: listing.HostSubject(client), Reason: "helo-our-ip"}); err != nil {
		t.Fatal(err)
	}
	ticket, err := r.client.OpenTicket(t.Context(), ctl.TicketCommand{Address: client.String()})
	if err != nil || ticket.Proof == nil || ticket.Proof.Text == "" || ticket.Proof.Probe != "" {
		t.Fatalf("%+v, %v", ticket.Proof, err)
	}
	before := asked.Load()
	r.show(client.String())
	if n := asked.Load(); n != before {
		t.Errorf("looking at it asked DNS %d times", n-before)
	}
	txt.Store(&ticket.Proof.Text)
	got, err := r.client.Request(t.Context(), ctl.DeskRequest{Address: client.String(), Delist: true})
	if err != nil || got.Proof != removal.ProofTXT {
		t.Errorf("with the token in TXT: %q, %+v, %v", got.Proof, got.Decision, err)
	}
}

// The published criteria are those in force, and selfcheck holds the ones against the
// others.
func TestSelfcheckOfADaemon(t *testing.T) {
	r := start(t, shortDir(t))
	checks, err := r.client.Selfcheck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	grades := map[string]string{}
	for _, c := range checks {
		grades[c.Name] = string(c.Grade)
	}
	for _, name := range []string{"criteria", "audit", "temporary", "width", "size", "contact", "prompt", "codes", "payment", "test-points", "shutdown", "special", "hidden", "configuration", "sources", "rate"} {
		if grades[name] != "PASS" {
			t.Errorf("%s: %q", name, grades[name])
		}
	}
	if grades["name-servers"] != "WARN" || grades["canaries"] != "WARN" || len(grades) != 18 {
		t.Errorf("%v", grades)
	}
}
