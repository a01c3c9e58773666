package listing

import (
	"errors"
	"strings"
	"testing"
)

func catalogue(t *testing.T) *Reasons {
	t.Helper()
	c, err := NewReasons(DefaultReasons())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The order of answers and the published reasons are promises to those who
// query the list.
func TestCatalogue(t *testing.T) {
	var order []Reason
	for _, i := range catalogue(t).All() {
		if i.Published || i.Code == 7 {
			order = append(order, i.Code)
		}
	}
	want := []Reason{21, 3, 5, 20, 4, 2, 6, 7, 22, 23}
	if len(order) != len(want) {
		t.Fatalf("published: %v", order)
	}
	for n := range want {
		if order[n] != want[n] {
			t.Fatalf("order %v, want %v", order, want)
		}
	}
}

func TestFindReason(t *testing.T) {
	c := catalogue(t)
	for _, text := range []string{"helo-bare-ip", "2", "127.0.0.2"} {
		if i, err := c.Find(text); err != nil || i.Code != BareIP {
			t.Errorf("Find(%q) = %v, %v", text, i, err)
		}
	}
	for _, text := range []string{"", "10", "1", "255", "256", "999", "HELO-BARE-IP", "bare ip"} {
		_, err := c.Find(text)
		var e *Error
		if !errors.As(err, &e) || e.Code != "unknown-reason" {
			t.Errorf("Find(%q): %v", text, err)
		}
	}
	var e *Error
	if _, err := c.Find("helo-bareip"); !errors.As(err, &e) || e.Names["LIKE"] != "helo-bare-ip" {
		t.Errorf("no suggestion: %v", err)
	}
}

func TestLifeAt(t *testing.T) {
	i, _ := catalogue(t).Info(BareIP)
	for level, days := range map[int]int{1: 3, 2: 6, 3: 12, 4: 24, 5: 48, 6: 90, 60: 90} {
		if got := i.LifeAt(level); got != Life(Day)*Life(days) {
			t.Errorf("level %d: %v, want %dd", level, got, days)
		}
	}
}

func TestNewReasonsRefuses(t *testing.T) {
	good := ReasonInfo{Code: 100, Symbol: "own", Text: "did something", Longest: Life(Day), Repeat: 1}
	for name, change := range map[string]func(*ReasonInfo){
		"number 1":        func(i *ReasonInfo) { i.Code = 1 },
		"number 10":       func(i *ReasonInfo) { i.Code = 10 },
		"number 255":      func(i *ReasonInfo) { i.Code = 255 },
		"taken number":    func(i *ReasonInfo) { i.Code = 2 },
		"taken symbol":    func(i *ReasonInfo) { i.Symbol = "manual" },
		"bad symbol":      func(i *ReasonInfo) { i.Symbol = "Not Good" },
		"no text":         func(i *ReasonInfo) { i.Text = "" },
		"long text":       func(i *ReasonInfo) { i.Text = strings.Repeat("x", 121) },
		"hostile text":    func(i *ReasonInfo) { i.Text = "a\nb" },
		"no longest":      func(i *ReasonInfo) { i.Longest = 0 },
		"base over cap":   func(i *ReasonInfo) { i.Base = Life(2 * Day) },
		"no repeat":       func(i *ReasonInfo) { i.Repeat = 0 },
		"too much repeat": func(i *ReasonInfo) { i.Repeat = 11 },
	} {
		i := good
		change(&i)
		if _, err := NewReasons(append(DefaultReasons(), i)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := NewReasons(append(DefaultReasons(), good)); err != nil {
		t.Errorf("a good reason: %v", err)
	}
}

func TestPrintableAndQuote(t *testing.T) {
	if got := Printable("a\x1b[31m\r\né"); got != `a\x1b[31m\x0d\x0a\xc3\xa9` {
		t.Errorf("Printable: %q", got)
	}
	if got := Quote("a\x00\"" + strings.Repeat("x", 200)); len(got) > 100 || Printable(got) != got || !strings.HasSuffix(got, "x\"...") {
		t.Errorf("Quote: %q", got)
	}
}
