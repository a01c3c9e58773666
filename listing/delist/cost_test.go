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

// A mail that is made to be expensive costs as much as it is long: twice the
// mail, about twice the work.
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
		half, whole := time.Duration(1<<62), time.Duration(1<<62)
		for range 3 { // the least of three: what else runs here costs too
			half, whole = min(half, spent(t, mail(maxMail/128))), min(whole, spent(t, mail(maxMail/64)))
		}
		if t.Logf("%s: %v, %v", name, half, whole); whole > 3*half+20*time.Millisecond {
			t.Errorf("%s: half costs %v, the whole %v", name, half, whole)
		}
	}
}

// spent is what triage of a mail costs.
func spent(t *testing.T, mail string) time.Duration {
	t.Helper()
	start := cpu(t)
	if _, err := Triage(strings.NewReader(mail)); err != nil {
		t.Fatal(err)
	}
	return cpu(t) - start
}
