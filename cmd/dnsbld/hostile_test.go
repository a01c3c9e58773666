package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"dnsbld/ctl"
	"dnsbld/listing"
	"dnsbld/listing/removal"
)

// ask hands a text to the support desk, as a mail pipe does.
func (r *running) ask(text string) (ctl.DeskAnswer, error) {
	return r.client.Request(r.t.Context(), ctl.DeskRequest{Text: []byte(text), Delist: true})
}

func (r *running) tickets() int {
	r.t.Helper()
	all, err := r.client.Tickets(r.t.Context(), removal.Query{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return len(all)
}

// Whatever a mail says stays words: one answer at the most, in one line of
// printable ASCII where it is quoted, and nothing is carried out.
func TestHostileMails(t *testing.T) {
	r := start(t, shortDir(t))
	list := func(a string) {
		t.Helper()
		s, err := listing.ParseSubject(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.client.Add(t.Context(), listing.Add{Subject: s, Reason: "manual"}); err != nil {
			t.Fatal(err)
		}
	}
	for n, words := range []string{
		"<script>alert(1)</script> <img src=x onerror=alert(1)>",
		"$(touch /tmp/hacked) `touch hacked`; rm -rf ~ | sh && :(){ :|:& };:",
		"{{.Zone}} {{printf \"%s\" .}} {{template \"letter\" .}} ${jndi:ldap://x} %s%n",
		"\xff\xfe\x00\x1b[31m\xc3\x28 \u202eevil\u2028 \U0001f4a9",
		"Received: from {{.Zone}} ($(id) [10.0.0.1\r\n\r\nBcc: all@rcpt.example]) by x; " + strings.Repeat("(", 5000),
		"550 5.7.1 blocked using \r\nX-Evil: yes\r\n.\r\nQUIT",
		"=?utf-8?q?=0D=0ABcc:_all@rcpt.example?= =0D=0A=0D=0A",
	} {
		address := fmt.Sprintf("203.0.113.%d", 100+n)
		list(address)
		from := fmt.Sprintf("From: \"%s\" <joe%d@sender.example>\nMessage-ID: <%d@sender.example>\nSubject: x\r\n\tBcc: all@rcpt.example\n\n", "=?utf-8?q?=0D=0ABcc:?=", n, n)
		got, err := r.ask(from + "Unblock " + address + " please. " + words)
		if err != nil {
			t.Errorf("%q: %v", words, err)
			continue
		}
		if got.Human || got.Address.String() != address || got.Letter == "" {
			t.Errorf("%q: %+v", words, got)
		}
		if got.To != fmt.Sprintf("joe%d@sender.example", n) {
			t.Errorf("%q is answered to %q", words, got.To)
		}
		for line := range strings.Lines(got.Letter + got.Subject) {
			line = strings.TrimSuffix(line, "\n")
			if plain := strings.ReplaceAll(line, "×", "x"); listing.Printable(plain) != plain || strings.HasPrefix(line, "Bcc:") || strings.HasPrefix(line, "X-Evil") {
				t.Errorf("%q: a letter has the line %q", words, line)
			}
		}
		if strings.Contains(got.Letter, "{{") && !strings.Contains(words, "{{") {
			t.Errorf("%q: a letter has a template in it", words)
		}
	}
}

// A mail that does not say which address it is about is asked that, once a day, in one
// ticket.
func TestMailsThatAreAskedBack(t *testing.T) {
	r := start(t, shortDir(t))
	var ten strings.Builder
	for n := range 10 {
		fmt.Fprintf(&ten, "please unblock 203.0.113.%d\n", n+1)
	}
	for n, text := range []string{ten.String(), "why?", "unblock 203.0.113.0/24"} {
		got, err := r.ask(fmt.Sprintf("From: joe@sender.example\nMessage-ID: <%d@sender.example>\n\n%s", n, text))
		if err != nil || got.Human || !strings.Contains(got.Letter, "Your mail names") || got.To != "joe@sender.example" || (got.NoAnswer == "") != (n == 0) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if n := r.tickets(); n != 1 {
		t.Errorf("%d tickets were opened", n)
	}
}

// A mail that says too much, or is not of a person, goes to a person, and nothing is
// opened, counted or ended for it.
func TestMailsForAPerson(t *testing.T) {
	r := start(t, shortDir(t))
	head := "From: joe@sender.example\nMessage-ID: <1@sender.example>\n\n"
	for name, text := range map[string]string{
		"over a megabyte": head + "unblock 203.0.113.7 " + strings.Repeat("please ", 170_000),
		"rubbish":         strings.Repeat("\x00\xff\x1b", 100_000),
	} {
		got, err := r.ask(text)
		if err != nil || !got.Human || got.Letter != "" {
			t.Errorf("%s: human %t, %v", name, got.Human, err)
		}
	}
	if _, err := r.ask(head + "unblock 203.0.113.7 " + strings.Repeat("x", 20<<20)); !errors.Is(err, listing.ErrInvalid) {
		t.Errorf("20 MB: %v", err)
	}
	for name, header := range map[string]string{"a robot": "Auto-Submitted: auto-replied\n", "a list": "List-Id: <x.example>\n", "our own answer": "X-DNSBL-Loop: bl.test\n"} {
		got, err := r.ask(header + head + "unblock 203.0.113.7")
		if err != nil || got.NoAnswer == "" || got.Letter != "" {
			t.Errorf("%s is answered: %+v, %v", name, got, err)
		}
	}
	if n := r.tickets(); n != 0 {
		t.Errorf("%d tickets were opened", n)
	}
}

// Two robots that answer each other, and a flood: one answer a day to one
// correspondent, one ticket, and the desk says so when it has heard enough.
func TestFloodOfRequests(t *testing.T) {
	r := start(t, shortDir(t))
	s := listing.HostSubject(netip.MustParseAddr("203.0.113.7"))
	if _, err := r.client.Add(t.Context(), listing.Add{Subject: s, Reason: "manual"}); err != nil {
		t.Fatal(err)
	}
	answered, last := 0, ""
	for n := range 20 {
		got, err := r.ask(fmt.Sprintf("From: robot@sender.example\nMessage-ID: <%d@sender.example>\n\nAbout 203.0.113.7: %s", n, last))
		if err != nil {
			t.Fatal(err)
		}
		if last = got.Letter; got.NoAnswer == "" {
			answered++
		}
		// The first is a request, ten are replies to our letters, and then it is enough.
		if limited := got.Decision.Code == "RATE_LIMIT"; limited != (n >= 13) {
			t.Errorf("request %d: %s", n+1, got.Decision.Code)
		}
	}
	if answered != 1 || r.tickets() != 1 {
		t.Errorf("%d answers, %d tickets", answered, r.tickets())
	}
	if !r.show("203.0.113.7").Listed {
		t.Error("a flood ended the listing")
	}
}

// Only a mail that asks for a removal leads to one. Thanks, complaints and
// negations are for a person, and what is quoted of our own letters is no word of
// the sender.
func TestMailsThatDoNotAsk(t *testing.T) {
	r := start(t, shortDir(t))
	client := "203.0.113.7"
	r.list(client)
	head := "From: %s\nMessage-ID: <%d@sender.example>\nSubject: x\n\n"
	for n, text := range []string{
		"We still get spam from 203.0.113.7. Thank you for listing it, please do NOT remove it.",
		"Thanks for removing 203.0.113.7, all is well.", "Danke! 203.0.113.7",
		"Please list 203.0.113.7 again, they spam us.", "Please keep 203.0.113.7 listed.",
		"Bitte 203.0.113.7 nicht entsperren.", "Por favor, no quiten 203.0.113.7 de la lista.",
	} {
		got, err := r.ask(fmt.Sprintf(head, "joe@sender.example", n) + text)
		if err != nil || !got.Human || got.Letter != "" || !r.show(client).Listed {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	got, err := r.ask(fmt.Sprintf(head, "joe@sender.example", 50) + "Our server is 203.0.113.7. We set its name.")
	if err != nil || got.Human || got.Outcome != "" || !r.show(client).Listed {
		t.Errorf("a mail that asks for nothing: %+v, %v", got, err)
	}
	if n := r.tickets(); n != 1 {
		t.Errorf("%d tickets", n)
	}
	for n, from := range []string{`"a@x.example, b@y.example"@z.example`, "a@x.example, b@y.example", `"a b"@z.example`} {
		got, err := r.ask(fmt.Sprintf(head, from, 60+n) + "Please remove 203.0.113.7")
		if err != nil || got.To != "" || got.NoAnswer == "" || got.Letter != "" {
			t.Errorf("%s is answered: %+v, %v", from, got, err)
		}
	}
	got, err = r.ask(fmt.Sprintf(head, "joe@sender.example", 70) + "Please unblock 203.0.113.7.")
	if err != nil || got.Outcome != "our-error" || r.show(client).Listed {
		t.Errorf("a mail that asks: %+v, %v", got, err)
	}
}

// A reply to a letter belongs to the letter's ticket, and is no new request of
// the one who goes on with it.
func TestRepliesToLetters(t *testing.T) {
	r := start(t, shortDir(t))
	if _, err := r.client.Add(t.Context(), listing.Add{Subject: listing.HostSubject(netip.MustParseAddr("203.0.113.7")), Reason: "manual"}); err != nil {
		t.Fatal(err)
	}
	ask := func(n int, text string) ctl.DeskAnswer {
		t.Helper()
		got, err := r.client.Request(t.Context(), ctl.DeskRequest{Text: fmt.Appendf(nil, "From: joe@sender.example\nMessage-ID: <%d@sender.example>\n\n%s", n, text)})
		if err != nil || got.Human {
			t.Fatalf("%+v, %v", got, err)
		}
		return got
	}
	first := ask(0, "Please remove 203.0.113.7.")
	quoted := "> " + strings.ReplaceAll(first.Letter, "\n", "\n> ")
	for n := range 6 {
		got := ask(n+1, "We fixed 203.0.113.7, please remove it.\n\nOn Monday you wrote:\n"+quoted)
		if got.Decision.Code == "RATE_LIMIT" || got.Ticket != first.Ticket {
			t.Errorf("reply %d: %s, ticket %s", n+1, got.Decision.Code, got.Ticket)
		}
		if len(got.Finding.Claims) != 0 || !got.Finding.Reply {
			t.Errorf("our own letter is taken for evidence: %+v", got.Finding)
		}
	}
}

// list makes an entry of which nothing is on record.
func (r *running) list(address string) {
	r.t.Helper()
	s := listing.HostSubject(netip.MustParseAddr(address))
	if _, err := r.client.Add(r.t.Context(), listing.Add{Subject: s, Reason: "helo-our-ip"}); err != nil {
		r.t.Fatal(err)
	}
}
