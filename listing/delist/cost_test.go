package delist

import (
	"context"
	"errors"
	"strings"
	"testing"
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
	if _, err := Triage(t.Context(), strings.NewReader(mail), nil); err != nil {
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
	if _, err := Triage(ctx, strings.NewReader(text), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if most := 5 + 12*maxClaims; reads > most {
		t.Errorf("it went on for %d looks after its caller had gone", reads)
	}
}
