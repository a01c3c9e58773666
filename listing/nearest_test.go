package listing_test

import (
	"strings"
	"testing"

	"dnsbld/listing"
)

func TestNearest(t *testing.T) {
	known := []string{"helo-bare-ip", "helo-our-ip", "helo-our-name", "manual", "imported", "STILL_OFFENDING", "add", "allow"}
	for word, want := range map[string]string{
		"helo-bareip":     "helo-bare-ip",
		"HELO_BARE_IP":    "helo-bare-ip",
		"helo-bear-ip":    "helo-bare-ip",
		"manaul":          "manual",
		"still-ofending":  "STILL_OFFENDING",
		"imp":             "imported",
		"bare":            "helo-bare-ip",
		"ad":              "add",
		"dad":             "add",
		"xyzzy":           "",
		"":                "",
		"ip":              "",
		"completely-else": "",

		strings.Repeat("manual", 100_000): "",
	} {
		if got := listing.Nearest(word, known); got != want {
			t.Errorf("%.30q: %q, wanted %q", word, got, want)
		}
	}
}
