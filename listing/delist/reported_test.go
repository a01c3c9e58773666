package delist

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Mails as they came, and what is to be read from them.
func TestReported(t *testing.T) {
	for name, want := range map[string]struct {
		address, helo string
		automatic     bool
		asks          bool
		against       bool
	}{
		"auto-x-auto-generated.eml":       {address: "203.0.113.205", automatic: true, asks: true},
		"desk-01-angry.eml":               {address: "2001:db8:77::25", asks: true},
		"desk-02-html.eml":                {address: "192.0.2.21", asks: true},
		"desk-03-fwd.eml":                 {address: "192.0.2.12", asks: true},
		"desk-04-es.eml":                  {address: "192.0.2.11", asks: true},
		"desk-05-de.eml":                  {address: "192.0.2.20", asks: true},
		"desk-06-bounce.eml":              {address: "192.0.2.14", asks: true},
		"desk-07-domain.eml":              {asks: true},
		"desk-08-two.eml":                 {asks: true},
		"desk-09-v6.eml":                  {address: "2001:db8:77::25", asks: true},
		"desk-10-shot.eml":                {address: "192.0.2.33"},
		"desk-11-reply.eml":               {address: "192.0.2.20", asks: true},
		"desk-12-rival.eml":               {against: true},
		"desk-13-oneline.eml":             {asks: true},
		"desk-20-keep.eml":                {address: "192.0.2.13", against: true},
		"dma-bounce-local-uid.txt":        {address: "203.0.113.93", asks: true},
		"dsn-original-has-public-hop.eml": {address: "203.0.113.225", automatic: true, asks: true},
		"exim-bounce-local-user.txt":      {address: "203.0.113.91", asks: true},
		"o365-ndr-original-headers.eml":   {address: "203.0.113.41", asks: true},
		"received-claiming-to-be.txt":     {address: "203.0.113.53", helo: "foo.s.example", asks: true},
		"received-communigate.txt":        {address: "203.0.113.44", helo: "greet.s.example", asks: true},
		"received-empty-ehlo-ip.txt":      {address: "203.0.113.50", asks: true},
		"received-empty-helo-qmail.txt":   {address: "203.0.113.25", asks: true},
		"received-product-version.txt":    {address: "203.0.113.52", helo: "KRYPTIK", asks: true},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", "reported", name))
			if err != nil {
				t.Fatal(err)
			}
			f, err := Triage(context.Background(), strings.NewReader(string(raw)), Ours{})
			if err != nil {
				t.Fatal(err)
			}
			address := ""
			if f.Address != nil {
				address = f.Address.String()
			}
			if address != want.address || f.HELO != want.helo || f.Automatic != "" != want.automatic {
				t.Errorf("address %q (of %v), greeting %q, automatic %q", address, f.Candidates, f.HELO, f.Automatic)
			}
			if f.Asks != want.asks || f.Against != "" != want.against {
				t.Errorf("asks %v, against %q", f.Asks, f.Against)
			}
		})
	}
}
