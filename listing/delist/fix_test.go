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

// A letter says their server's fix first, unless something else is at fault.
func TestLetterFixesFirst(t *testing.T) {
	f := facts(removal.OKSelf, seen(t, 2))
	finding := triage(t, "192.0.2.7: 220 mail.sender.example ESMTP Exim 4.96")
	f.Finding = &finding
	for diagnosis, first := range map[sighting.Diagnosis]string{sighting.MisSet: "\nExim, in", sighting.SecondHost: "\nPostfix:"} {
		f.Traffic.Diagnosis = diagnosis
		text, err := letters(t).Render(f)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, text)
		_, steps, _ := strings.Cut(text, "NAME IS SET")
		if at := strings.Index(steps, first); at < 0 || strings.Contains(steps[:at], ":\n") || strings.Contains(steps, "Your message points to Exim") != (diagnosis == sighting.MisSet) {
			t.Errorf("%s:%s", diagnosis, steps)
		}
	}
}
