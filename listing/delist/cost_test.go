package delist

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"dnsbld/costtest"
)

// A mail that is made to be expensive costs as much as it is long, and no more than
// so many looks at each octet that is read of it: work is counted, not timed.
func TestTriageCost(t *testing.T) {
	line := "Received: from a.example (b.example [192.0.2.7]) by c.example; Thu, 26 Nov 2026 09:05:45 +0000\n"
	const end = "\nFrom: a@b.example\nDate: x\n\nhi"
	for name, mail := range map[string]func(size int) string{
		"header":  func(n int) string { return strings.Repeat(line, n/len(line)) + end[1:] },
		"text":    func(n int) string { return "Hello\n\n" + strings.Repeat(line, n/len(line)) },
		"dots":    func(n int) string { return strings.Repeat("1.2.3.4 ", n/8) },
		"colons":  func(n int) string { return strings.Repeat("::", n/2) },
		"quoted":  func(n int) string { return strings.Repeat("> > > 550 5.7.1 blocked using x.example\n", n/40) },
		"markup":  func(n int) string { return strings.Repeat("<div ", n/5) },
		"folded":  func(n int) string { return "Received: " + strings.Repeat("x\n ", n/4) + end },
		"letters": func(n int) string { return strings.Repeat("> thank you for writing to us about the address\n", n/50) },
	} {
		small, large := work(t, mail(maxMail/64)), work(t, mail(maxMail))
		t.Logf("%s: %d octets are read of a small mail, %d of a large one", name, small, large)
		if most := 20 * maxPart; large > most { // of a mebibyte a quarter is kept
			t.Errorf("%s: %d octets are read, at most %d were expected", name, large, most)
		}
	}
}

// work is how many octets the expressions read of a mail.
func work(t *testing.T, mail string) (octets int) {
	t.Helper()
	scanned = func(n int) { octets += n }
	defer func() { scanned = nil }()
	if _, err := Triage(t.Context(), strings.NewReader(mail), Ours{}); err != nil {
		t.Fatal(err)
	}
	return octets
}

// Nobody waits for what a caller asked who has gone.
func TestTriageEndsWithItsCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	scanned = func(int) {
		if reads++; reads == 5 {
			cancel()
		}
	}
	defer func() { scanned = nil }()
	text := strings.Repeat("Received: from a.example (b.example [192.0.2.7]) by c.example; Thu, 26 Nov 2026 09:05:45 +0000\n", 5000)
	if _, err := Triage(ctx, strings.NewReader(text), Ours{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if most := 5 + 12*maxClaims; reads > most {
		t.Errorf("it went on for %d looks after its caller had gone", reads)
	}
}

// So does taking a mail apart: parts within parts, words in charsets, and headers
// without an end.
func TestMailCost(t *testing.T) {
	const mixed = "From: a@b.example\nDate: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
	for about, tt := range map[string]struct{ before, piece string }{
		"parts":         {mixed, "--b\nContent-Type: text/plain\n\nx\n"},
		"within":        {mixed, "--b\nContent-Type: multipart/mixed; boundary=b\n\n"},
		"boundaries":    {mixed, "--b\n"},
		"near misses":   {mixed, "--bc\n--"},
		"attached":      {mixed, "--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\n\n"},
		"base64":        {"From: a@b.example\nDate: x\nContent-Transfer-Encoding: base64\n\n", "MTkyLjAuMi43IA=="},
		"quoted":        {"From: a@b.example\nDate: x\nContent-Transfer-Encoding: quoted-printable\n\n", "=3D=\n="},
		"charset":       {"From: a@b.example\nDate: x\nContent-Type: text/plain; charset=iso-2022-jp\n\n", "\x1b$B\x1b(B"},
		"words":         {"From: a@b.example\nDate: x\nSubject: ", "=?utf-8?q?=41?= "},
		"half words":    {"From: a@b.example\nDate: x\nSubject: ", "=?utf-8?q?"},
		"headers":       {"From: a@b.example\nDate: x\n", "X: y\n"},
		"addresses":     {"Date: x\nFrom: ", "<a@b.example>, "},
		"comments":      {"Date: x\nFrom: ", "("},
		"parameters":    {"From: a@b.example\nDate: x\nContent-Type: text/plain", "; a=\"b\""},
		"continued":     {"From: a@b.example\nDate: x\nContent-Type: text/plain; x*0=\"", "\"; x*1=\""},
		"HTML":          {"From: a@b.example\nDate: x\nContent-Type: text/html\n\n", "<p title=\"<p>\">&nbsp;"},
		"HTML comments": {"From: a@b.example\nDate: x\nContent-Type: text/html\n\n", "<!-- "},
		"styles":        {"From: a@b.example\nDate: x\nContent-Type: text/html\n\n", "<style>"},
		"quotations":    {"", "> "},
		"octets":        {"", "\x00\xff"},
	} {
		t.Run(about, func(t *testing.T) {
			costtest.Linear(t, maxFlat/2, tt.before, tt.piece, "\n", func(mail []byte) {
				if _, err := Triage(t.Context(), bytes.NewReader(mail), Ours{Names: []string{"bl.example"}}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
