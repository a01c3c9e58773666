package desk_test

import (
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/listing/removal"
)

// The desk takes the mails that people sent, as `delist-request --delist` hands them in:
// it answers some, asks back for others, and leaves others to a person; and no other
// listing ends than the one that is asked for.
func TestReportedMails(t *testing.T) {
	const answered, asked, person, program = "answered", "asked back", "left to a person", "not answered"
	for name, c := range map[string]struct{ listed, want, ended string }{
		"desk-01-angry":         {"2001:db8:77::25", answered, "2001:db8:77::25"},
		"desk-02-html":          {"192.0.2.21", answered, "192.0.2.21"},
		"desk-03-fwd":           {"192.0.2.12", answered, "192.0.2.12"},
		"desk-04-es":            {"192.0.2.11", answered, "192.0.2.11"},
		"desk-05-de":            {"192.0.2.20", answered, "192.0.2.20"},
		"desk-06-bounce":        {"192.0.2.14", answered, "192.0.2.14"},
		"desk-07-domain":        {"192.0.2.7", asked, ""},
		"desk-08-two":           {"192.0.2.13 192.0.2.14", asked, ""},
		"desk-09-v6":            {"2001:db8:77::25", answered, "2001:db8:77::25"},
		"desk-10-shot":          {"192.0.2.33", answered, ""},
		"desk-11-reply":         {"192.0.2.20", answered, "192.0.2.20"},
		"desk-12-rival":         {"192.0.2.52 192.0.2.71", person, ""},
		"desk-13-oneline":       {"192.0.2.7", asked, ""},
		"desk-20-keep":          {"192.0.2.13", person, ""},
		"auto-x-auto-generated": {"203.0.113.205", program, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			raw, err := os.ReadFile(filepath.Join("..", "delist", "testdata", "reported", name+".eml"))
			if err != nil {
				t.Fatal(err)
			}
			all := append(strings.Fields(c.listed), "192.0.2.99")
			for _, a := range all {
				s := listing.HostSubject(netip.MustParseAddr(a))
				if _, err := o.book.Add(t.Context(), operator("alice"), listing.Add{Subject: s, Reason: "helo-bare-ip"}); err != nil {
					t.Fatal(err)
				}
			}
			done, err := o.Request(t.Context(), desk.Request{By: operator("desk"), Text: raw, Delist: true, OwnUp: true})
			if err != nil {
				t.Fatal(err)
			}
			got := answered
			switch {
			case done.Human:
				got = person
			case done.NoAnswer != "":
				got = program
			case !done.Address.IsValid():
				got = asked
			}
			if got != c.want {
				t.Errorf("%s, want %s: %+v", got, c.want, done.Answer)
			}
			if got == answered || got == asked {
				m, err := mail.ReadMessage(strings.NewReader(done.Message()))
				if err != nil {
					t.Fatal(err)
				}
				if to, err := m.Header.AddressList("To"); err != nil || len(to) != 1 {
					t.Errorf("it goes to %v, %v", to, err)
				}
			}
			if state := done.State; got == asked && state != removal.Asked {
				t.Errorf("the ticket is %s", state)
			}
			for _, a := range all {
				listed := len(o.live.Set().Lookup(netip.MustParseAddr(a), uint32(o.now().Unix()), nil)) > 0
				if listed == slices.Contains(strings.Fields(c.ended), a) {
					t.Errorf("%s is listed: %t", a, listed)
				}
			}
		})
	}
}
