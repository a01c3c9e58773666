package language

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func load(t *testing.T, files fstest.MapFS) *Languages {
	t.Helper()
	all, err := Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The language of a header: the one that is wanted most of those that there are.
func TestAccept(t *testing.T) {
	all := load(t, nil)
	for header, want := range map[string]string{
		"": "en", "de": "de", "DE-at": "de", "fr, es;q=0.5": "es", "de;q=0.2, es;q=0.9": "es", "en, de;q=0.9": "en", "de;q=0": "en",
		"*": "en", "de;q=2": "en", "de;q=": "en", ";;,,=": "en", strings.Repeat("x,", 100) + "de": "en", "zh-Hant-TW, de-CH-1996": "de",
	} {
		if got := all.Accept(header).Tag(); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	if _, ok := all.Find("tlh"); ok {
		t.Error("Klingon is found")
	}
}

// Sentences that a language lacks stay English; arguments may change places.
func TestSay(t *testing.T) {
	all := load(t, fstest.MapFS{"fr/words.txt": {Data: []byte("# a comment\n\n%s of %s\n\t%[2]s, %[1]s\n1 thing\n\tune chose\n%d things\n\t%d choses\nin %d days\n\tdans %d jours\n")},
		"de/words.txt": {Data: []byte("Hello,\n\tServus,\n")}})
	fr, _ := all.Find("fr")
	for got, want := range map[string]string{
		fr.Say("%s of %s", "a", "b"): "b, a", fr.Say("100 %"): "100 %", fr.Count(1, "thing"): "une chose", fr.Count(2, "thing"): "2 choses",
		fr.Span(3 * time.Hour): "3 hours", fr.Away(time.Unix(300_000, 0), time.Unix(0, 0)): "dans 3 jours",
		fr.Away(time.Unix(3*86400-20, 0), time.Unix(0, 0)): "dans 3 jours", fr.Away(time.Unix(0, 0), time.Unix(0, 0)): "now",
		(*Language)(nil).Say("%s, %s", time.Unix(0, 0), time.Minute): "1970-01-01 00:00:00 UTC, 60 seconds",
		all.Accept("de").Say("Hello,"):                               "Servus,", all.Accept("de").Count(1, "session"): "1 Sitzung",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A file that would say something wrong is refused, with its line.
func TestBadWords(t *testing.T) {
	for says, text := range map[string]string{
		"line 1": "\tohne Englisch\n", "line 2": "one\ntwo\n\tzwei\n", "no translation": "one\n", "same arguments": "%s\n\t%d\n",
		"line 4": "a\n\tb\n%s and %s\n\t%s\n", "too long": strings.Repeat("x", 100_000),
	} {
		if _, err := Load(fstest.MapFS{"xx/words.txt": {Data: []byte(text)}}); err == nil || !strings.Contains(err.Error(), says) && says != "too long" {
			t.Errorf("%q: %v", text[:min(len(text), 40)], err)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("a %s\n\tb %[1]s\n", "de-AT,es;q=0.5")
	f.Fuzz(func(t *testing.T, text, header string) {
		all, err := Load(fstest.MapFS{"xx/words.txt": {Data: []byte(text)}})
		if err != nil {
			return
		}
		for _, l := range all.All()[1:] {
			for _, word := range l.Words() {
				l.Say(word, "a", 1)
			}
		}
		all.Accept(header)
	})
}
