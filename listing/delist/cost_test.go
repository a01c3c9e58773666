package delist

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// cpu is what this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A mail that is made to be expensive costs no more than others.
func TestTriageCost(t *testing.T) {
	line := "Received: from a.example (b.example [192.0.2.7]) by c.example; Thu, 26 Nov 2026 09:05:45 +0000\n"
	all := map[string]string{
		"header":  strings.Repeat(line, maxMail/len(line)) + "From: a@b.example\nDate: x\n\nhi",
		"text":    "Hello\n\n" + strings.Repeat(line, maxMail/len(line)),
		"dots":    strings.Repeat("1.2.3.4 ", maxMail/8),
		"colons":  strings.Repeat("::", maxMail/2),
		"quoted":  strings.Repeat("> > > 550 5.7.1 blocked using x.example\n", maxMail/40),
		"markup":  strings.Repeat("<div ", maxMail/5),
		"folded":  "Received: " + strings.Repeat("x\n ", maxMail/4) + "\nFrom: a@b.example\nDate: x\n\nhi",
		"letters": strings.Repeat("> thank you for writing to us about the address\n", maxMail/50),
	}
	if _, err := Triage(strings.NewReader(all["text"][:2000])); err != nil { // what is compiled once does not count
		t.Fatal(err)
	}
	for name, text := range all {
		start := cpu(t)
		if _, err := Triage(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %v", name, cpu(t)-start)
		if spent := cpu(t) - start; spent > 500*time.Millisecond {
			t.Errorf("%s: %v", name, spent)
		}
	}
}
