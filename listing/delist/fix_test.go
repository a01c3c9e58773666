package delist

import (
	"slices"
	"strings"
	"testing"

	"dnsbld/listing/removal"
	"dnsbld/listing/sighting"
)

// The mail server that a message speaks of, if it is one, and only what a sender
// has of it: the receiving side of a Received line is another's.
func TestServerIn(t *testing.T) {
	for text, want := range map[string]string{
		"220 mail.sender.example ESMTP Postfix (Debian/GNU)":                                                        "Postfix",
		"220-mail.sender.example ESMTP Exim 4.96 Thu, 26 Nov 2026":                                                  "Exim",
		"220 mail.sender.exampleMicrosoft ESMTP MAIL Service, Version: 6.0.3790.1830 ready at":                      "Exchange 2003",
		"X-MimeOLE: Produced By Microsoft Exchange V6.5":                                                            "Exchange 2003",
		"220 mail.sender.example Microsoft ESMTP MAIL Service ready at":                                             "Exchange 2007 and later",
		"220 mail.sender.example ESMTP Sendmail 8.17; Thu":                                                          "sendmail",
		"X-MimeOLE: Produced By Microsoft MimeOLE V6.00":                                                            "",
		"Received: from mail.sender.example by mx.rcpt.example (Postfix) with ESMTP id 1":                           "",
		"we changed from 220 a.example ESMTP Postfix to 220 a.example ESMTP Exim":                                   "",
		"our Microsoft ESMTP MAIL Service, Version: 10.0.14393 is another":                                          "",
		"220 " + strings.Repeat("a", 100_000) + " ESMTP Postfix; 220 {{.Zone}}\x00 ESMTP Postscript; ESMTP Postfix": "",
	} {
		if got := triage(t, text).Server; got != want {
			t.Errorf("%.80q: %q, want %q", text, got, want)
		}
	}
}

// The fix of their own server comes first, the others after it, none twice.
func TestFixesFirst(t *testing.T) {
	servers := func(all []Fix) (names []string) {
		for _, f := range all {
			names = append(names, f.Server)
		}
		return names
	}
	usual := servers(Fixes(""))
	for n, first := range usual {
		want := slices.Concat([]string{first}, usual[:n], usual[n+1:])
		if got := servers(Fixes(first)); !slices.Equal(got, want) {
			t.Errorf("%s first: %q", first, got)
		}
	}
	for _, m := range marks {
		if !slices.Contains(usual, m.server) {
			t.Errorf("no fix for %s", m.server)
		}
	}
}

// A letter has the recipe of the server that they run, and no other; where that is
// not known, a link; and nothing of it where no mail server is at fault.
func TestLetterFixes(t *testing.T) {
	f := facts(removal.OKSelf, seen(t, 2))
	finding := triage(t, "192.0.2.7: 220 mail.sender.example ESMTP Exim 4.96")
	const link = "https://bl.example/fix"
	for _, c := range []struct {
		diagnosis sighting.Diagnosis
		known     bool
		has, not  []string
	}{
		{sighting.MisSet, true, []string{"\nExim, in", "helo_data"}, []string{"postconf", link}},
		{sighting.MisSet, false, []string{link}, []string{"postconf", "helo_data"}},
		{sighting.CannotTell, false, []string{link}, []string{"postconf"}},
		{sighting.SecondHost, true, nil, []string{"helo_data", "postconf", link}},
		{sighting.FollowsRecipient, true, nil, []string{"helo_data", "postconf", link}},
		{sighting.ManyNames, true, nil, []string{"helo_data", "postconf", link}},
	} {
		f.Finding, f.Traffic.Diagnosis = nil, c.diagnosis
		if c.known {
			f.Finding = &finding
		}
		for _, long := range []bool{false, true} {
			f.Long = long
			text, err := letters(t).Render(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.has {
				if !strings.Contains(text, want) && !(long && want == link) {
					t.Errorf("%s, known %v, long %v: does not say %q:\n%s", c.diagnosis, c.known, long, want, text)
				}
			}
			for _, never := range c.not {
				if strings.Contains(text, never) && !(long && len(c.has) > 0) {
					t.Errorf("%s, known %v, long %v: says %q:\n%s", c.diagnosis, c.known, long, never, text)
				}
			}
		}
	}
}
