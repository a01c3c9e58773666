package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
	"dnsbld/listing/delist"
	"dnsbld/listing/desk"
	"dnsbld/listing/helo"
	"dnsbld/listing/removal"
	"dnsbld/mta/sendmail"

	"pgregory.net/rapid"
)

// leave is the form of the page with a mail address in it.
func (o *office) leave(t testing.TB, to string, more ...func(*desk.Request)) removal.Reply {
	t.Helper()
	r := desk.Request{By: daemon("web"), Address: sender, Client: netip.MustParseAddr("198.51.100.9"), From: to, Delist: true, Mail: true}
	return o.ask(t, r, more)
}

// ask is a request of which more is said.
func (o *office) ask(t testing.TB, r desk.Request, more []func(*desk.Request)) removal.Reply {
	t.Helper()
	for _, f := range more {
		f(&r)
	}
	done, err := o.Request(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// deliver hands over what is due, and returns what was sent by it.
func (o *office) deliver(t testing.TB) (sent []string) {
	t.Helper()
	before := len(o.sent)
	if _, err := o.Deliver(t.Context(), "dnsbld", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return o.sent[before:]
}

// A request from the page with a mail address is answered there, once, by a mail to
// that address alone, in our words.
func TestTheFormIsAnsweredByMail(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip", HELO: "buy.at.evil.example"})
	o.see(t, noon.Add(-3*time.Hour), 12, "buy.at.evil.example", helo.CodeBareIP, helo.Medium)
	r := func(r *desk.Request) {
		r.Key, r.Note, r.Delist = "form", "visit http://evil.example", false
	}
	done := o.leave(t, "joe@sender.example", r)
	if !done.Mailed || done.NotMailed != "" || done.NoAnswer != "" {
		t.Errorf("%+v", done.Answer)
	}
	if again := o.leave(t, "joe@sender.example", r); !again.Repeated || !again.Mailed {
		t.Errorf("the form sent again: %+v", again.Answer)
	}
	sent := o.deliver(t)
	if len(sent) != 1 || len(o.deliver(t)) != 0 {
		t.Fatalf("%d mails were sent", len(sent))
	}
	m, err := mail.ReadMessage(strings.NewReader(sent[0]))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"From": "desk@bl.example", "To": "joe@sender.example", "Auto-Submitted": "auto-replied", removal.LoopHeader: "bl.test",
		"Subject": "192.0.2.7 and bl.test: the answer to your request [" + done.Ticket + "]", "Cc": "", "Bcc": ""} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	contains(t, sent[0], "This is about the address 192.0.2.7", "You can end the listing of 192.0.2.7 now", "https://bl.example/192.0.2.7", "If it was not you who asked", done.Ticket, "L-")
	if strings.Contains(sent[0], "evil") {
		t.Errorf("a stranger's words are mailed:\n%s", sent[0])
	}
	if p, err := o.Post(); err != nil || *p != (removal.Post{Program: "sendmail", Sent: 1}) {
		t.Errorf("status: %+v, %v", p, err)
	}
	// An answer to that mail is heard, and answered in turn.
	reply := "From: joe@sender.example\nMessage-ID: <1@sender.example>\nDate: x\n\nPlease remove it.\n\n> " + strings.ReplaceAll(sent[0][strings.Index(sent[0], "Hello"):], "\n", "\n> ")
	back, err := o.Request(t.Context(), desk.Request{By: operator("desk"), Text: []byte(reply)})
	if err != nil || back.Ticket != done.Ticket || back.NoAnswer != "" || !back.Finding.Reply {
		t.Errorf("a reply to it: %+v, %v", back, err)
	}
}

// The mail says each outcome.
func TestMailOfEachOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(o *office, t *testing.T)
		says    []string
	}{
		"removed": {func(o *office, t *testing.T) {
			o.add(t, listing.Add{Reason: "helo-bare-ip"})
			o.see(t, noon.Add(-3*time.Hour), 12, "192.0.2.7", helo.CodeBareIP, helo.Medium)
		}, []string{"the listing has ended", "The listing is removed.", "2026-11-23 12:05:01 UTC"}},
		"support": {func(o *office, t *testing.T) { o.add(t, listing.Add{Reason: "helo-bare-ip"}) },
			[]string{"we look at your request", "A person of our support reads the request, by 2026-11-24 12:00:00 UTC as a rule."}},
		"refused": {func(o *office, t *testing.T) { o.add(t, listing.Add{Reason: "manual"}) }, []string{"the answer to your request", "was listed by a person"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			c.prepare(o, t)
			o.leave(t, "joe@sender.example")
			sent := o.deliver(t)
			if len(sent) != 1 {
				t.Fatalf("%d mails", len(sent))
			}
			contains(t, sent[0], c.says...)
		})
	}
}

// A request that joins an open ticket is told by when a person reads it, and no time
// that is past.
func TestMailNamesNoTimeThatIsPast(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "helo-bare-ip"})
	by := noon.Add(removal.ReadWithin)
	for _, c := range []struct {
		later  time.Duration
		readBy time.Time
		says   string
	}{
		{0, by, "A person of our support reads the request, by 2026-11-24 12:00:00 UTC as a rule."},
		{10 * time.Hour, by, "by 2026-11-24 12:00:00 UTC as a rule."},
		{30 * time.Hour, time.Time{}, "A person of our support reads the request. Until then the listing stands."},
	} {
		o.advance(c.later)
		done := o.leave(t, "joe@sender.example")
		if done.State != removal.Open || !done.ReadBy.Equal(c.readBy) {
			t.Errorf("after %s: %+v", c.later, done.Answer)
		}
		sent := o.deliver(t)
		if len(sent) != 1 || c.readBy.IsZero() && strings.Contains(sent[0], "as a rule") {
			t.Fatalf("after %s: %q", c.later, sent)
		}
		contains(t, strings.Join(strings.Fields(sent[0]), " "), c.says, "we look at your request")
	}
}

// Nobody can have others flooded: not one mailbox, not by one client, not all in all.
func TestMailsAreLimited(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	from := func(text string) func(*desk.Request) {
		return func(r *desk.Request) { r.Client = netip.MustParseAddr(text) }
	}
	for n, to := range []string{"joe@sender.example", "JOE@sender.example", "joe+2@Sender.Example", "joe+3@sender.example", "joe@sender.example"} {
		if done := o.leave(t, to, from(fmt.Sprintf("203.0.113.%d", n))); done.Mailed != (n < 3) || done.Mailed == (done.NotMailed != "") {
			t.Errorf("mail %d to one mailbox: %+v", n+1, done.Answer)
		}
	}
	for n := range 12 {
		if done := o.leave(t, fmt.Sprintf("a%d@other.example", n)); done.Mailed != (n < 10) {
			t.Errorf("mail %d for one client: %+v", n+1, done.Answer)
		}
	}
	o.deliver(t)
	o.advance(25 * time.Hour)
	if err := o.Tend(t.Context(), "dnsbld"); err != nil {
		t.Fatal(err)
	}
	for r := range o.people.Each("mail") {
		t.Errorf("it is kept for no limit: %s", r.Value)
	}
	if done := o.leave(t, "joe@sender.example"); !done.Mailed {
		t.Errorf("the next day: %+v", done.Answer)
	}
}

// Addresses that a program does not write to, and desks that write to nobody.
func TestNotMailed(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	long := strings.Repeat("a", 200) + "@sender.example"
	for n, to := range []string{`"a@x.example, b"@y.example`, "root@localhost", "joe@[192.0.2.9]", "joe@192.0.2.9", "a%b.example@c.example", "a!b@c.example", "-oQ@c.example",
		"|cat@c.example", "/dev/x@c.example", long, "desk@bl.example", "Desk+1@BL.example", "helo+x@probe.bl.example", "joe@x.example\r\nBcc: eve@x.example", "joe@x.example, eve@x.example"} {
		if done := o.leave(t, to, func(r *desk.Request) { r.Client = netip.MustParseAddr(fmt.Sprintf("203.0.113.%d", n)) }); done.Mailed {
			t.Errorf("%q is written to", to)
		}
	}
	o.settings.MailOff = "desk.mail is not set"
	if done := o.leave(t, "joe@sender.example"); done.Mailed || done.NotMailed != "no mail is sent from here" {
		t.Errorf("where it is off: %+v", done.Answer)
	}
	if p, err := o.Post(); p != nil || err != nil {
		t.Errorf("status where it is off: %+v, %v", p, err)
	}
	if sent := o.deliver(t); len(sent) != 0 {
		t.Errorf("sent: %q", sent)
	}
}

// Whatever is typed as a mail address, a mail has one recipient, and it is that.
func TestMailHasOneRecipient(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		to := rapid.OneOf(rapid.String(), rapid.StringMatching(`["<(]?[a-z0-9 .,@"!%+\r\n<>;:-]{1,12}@[a-z.,<>@" \n]{1,12}[a-z]?[>)]?`), rapid.StringMatching(`[a-z.+-]{1,8}@[a-z]{1,5}\.example`)).Draw(rt, "to")
		done := o.leave(t, to, func(r *desk.Request) {
			r.Client = netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)})
		})
		sent := o.deliver(t)
		if done.Mailed != (len(sent) == 1) {
			rt.Fatalf("%q: mailed %t, %d sent", to, done.Mailed, len(sent))
		}
		for _, text := range sent {
			m, err := mail.ReadMessage(strings.NewReader(text))
			if err != nil {
				rt.Fatal(err)
			}
			all, err := m.Header.AddressList("To")
			if err != nil || len(all) != 1 || !strings.Contains(to, all[0].Address) || m.Header.Get("Cc")+m.Header.Get("Bcc") != "" {
				rt.Fatalf("%q: %v, %v", to, m.Header, err)
			}
		}
		o.advance(10 * time.Minute)
	})
}

// A mail that cannot be handed over is tried three times; then a person is told where
// he looks: in the ticket.
func TestMailIsTriedThreeTimes(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	var log bytes.Buffer
	tries := 0
	o.send = func(context.Context, string, []byte) error {
		tries++
		return errors.New("exit status 75: joe@sender.example: no room")
	}
	done := o.leave(t, "joe@sender.example")
	for range 100 {
		next, err := o.Deliver(t.Context(), "dnsbld", slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if next.IsZero() {
			break
		}
		o.advance(next.Sub(o.now()))
	}
	if p, err := o.Post(); err != nil || tries != 3 || p.Failed != 3 || p.GivenUp != 1 || p.Waiting != 0 || !strings.Contains(p.Error, "[mail address]: no room") {
		t.Errorf("after %d tries: %+v, %v", tries, p, err)
	}
	if strings.Contains(log.String(), "joe") || !strings.Contains(log.String(), "a person has to write") {
		t.Errorf("the log: %s", log.String())
	}
	if notes := o.ticket(t, done.Ticket).Notes; !strings.Contains(notes[len(notes)-1].Text, "could not be mailed") {
		t.Errorf("the ticket: %+v", notes)
	}
}

// A disk that is full does not have a mail sent without end: a try that cannot be written
// down is not made, and of what was begun three times nothing more is sent.
func TestMailIsNotSentWithoutEnd(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(put int) bool // counted from the one that queues it
		most  int
	}{
		"full from then on":     {func(put int) bool { return put > 1 }, 0},
		"full after each try":   {func(put int) bool { return put%2 == 1 && put > 1 }, 3},
		"full after the second": {func(put int) bool { return put > 2 }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.add(t, listing.Add{Reason: "manual"})
			puts := 0
			o.forgetful.full = func() bool { puts++; return c.fails(puts) }
			o.leave(t, "joe@sender.example")
			for range 20 {
				_, _ = o.Deliver(t.Context(), "dnsbld", slog.New(slog.DiscardHandler)) // it may fail
				o.advance(time.Hour)
			}
			if len(o.sent) != c.most {
				t.Errorf("sent %d times, want %d", len(o.sent), c.most)
			}
			o.forgetful.full = nil
			o.deliver(t)
			if p, err := o.Post(); err != nil || p.Waiting != 0 && c.most > 1 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

// A mail that waits is kept over a restart.
func TestMailIsKeptOverARestart(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	done := o.leave(t, "joe@sender.example")
	signer, err := delist.NewSigner([]byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	o.Desk, err = desk.New(desk.Config{Book: o.book, Counters: o.engine, People: o.people, Signer: signer, Settings: func() desk.Settings { return *o.settings },
		Send: func(ctx context.Context, program string, mail []byte) error { return o.send(ctx, program, mail) }})
	if err != nil {
		t.Fatal(err)
	}
	if sent := o.deliver(t); len(sent) != 1 || !strings.Contains(sent[0], "\nTo: joe@sender.example\n") || !strings.Contains(sent[0], done.Ticket) {
		t.Errorf("sent: %q", sent)
	}
	if again := o.deliver(t); len(again) != 0 {
		t.Errorf("sent again: %q", again)
	}
}

// A mail that waits is gone when its person is erased.
func TestMailIsErased(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	done := o.leave(t, "joe@sender.example")
	c, err := o.Contact(o.ticket(t, done.Ticket))
	if err != nil || c == nil || c.Mail != "joe@sender.example" || !slices.Equal(c.Tickets, []string{done.Ticket}) {
		t.Fatalf("the contact: %+v, %v", c, err)
	}
	if p, err := o.Export(c.ID); err != nil || len(p.Waiting) != 1 || len(p.Answers) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	o.send = func(context.Context, string, []byte) error { // erased while sendmail is at it
		if _, err := o.Erase("joe@sender.example"); err != nil {
			t.Error(err)
		}
		return errors.New("no room")
	}
	o.deliver(t)
	for r := range o.people.Each("mail") {
		t.Errorf("it is kept: %s", r.Value)
	}
	if c, err := o.Contact(o.ticket(t, done.Ticket)); c != nil || err != nil {
		t.Errorf("the contact: %+v, %v", c, err)
	}
}

// A real program is given the mail, and one that hangs holds up nobody for ever.
func TestSendmailPrograms(t *testing.T) {
	o := newOffice(t)
	o.add(t, listing.Add{Reason: "manual"})
	dir := t.TempDir()
	o.settings.Sendmail = filepath.Join(dir, "sendmail")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(o.settings.Sendmail, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	o.send = sendmail.Hand
	write(`echo "$@" >"$0.args"; cat >"$0.mail"`)
	o.leave(t, "joe@sender.example")
	o.deliver(t)
	text, err := os.ReadFile(o.settings.Sendmail + ".mail")
	args, failed := os.ReadFile(o.settings.Sendmail + ".args")
	if err != nil || failed != nil || string(args) != "-i -t -f <>\n" || !strings.Contains(string(text), "\nTo: joe@sender.example\n") {
		t.Errorf("%q, %q, %v, %v", args, text, err, failed)
	}
	write(`exec sleep 1000`)
	o.send = func(ctx context.Context, program string, mail []byte) error {
		if end, limited := ctx.Deadline(); !limited || time.Until(end) > time.Minute {
			t.Error("it may take as long as it likes")
		}
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return sendmail.Hand(ctx, program, mail)
	}
	o.leave(t, "eve@sender.example")
	o.deliver(t)
	if p, err := o.Post(); err != nil || p.Waiting != 1 || p.Failed != 1 || !strings.Contains(p.Error, "was stopped") {
		t.Errorf("%+v, %v", p, err)
	}
}
