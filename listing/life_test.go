package listing

import (
	"errors"
	"testing"
	"time"
)

func TestParseLife(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"72h": 72 * time.Hour, "3d": 3 * Day, "1w2d": 9 * Day, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute,
		"1.5h": 90 * time.Minute, "1s": time.Second, "1500ms": time.Second, " 2d ": 2 * Day,
	} {
		if got, err := ParseLife(in); err != nil || got.Duration() != want {
			t.Errorf("ParseLife(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "3", "d", "-1h", "-1d", "0s", "10ms", "1d1w", "3 days", "99999999d", "9999999h9999999999h", "1y"} {
		if got, err := ParseLife(in); !errors.Is(err, ErrInvalid) {
			t.Errorf("ParseLife(%q) = %v, %v; want ErrInvalid", in, got, err)
		}
	}
}

func TestLifeText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3 * Day: "3d", 36 * time.Hour: "1d12h", 90 * time.Minute: "1h30m", 61 * time.Second: "1m1s", 0: "0s",
	} {
		if got := Life(d).String(); got != want {
			t.Errorf("Life(%v) = %q, want %q", d, got, want)
		}
	}
	for _, l := range []Life{Life(time.Second), Life(25 * time.Hour), Life(90 * Day)} {
		var back Life
		raw, _ := l.MarshalText()
		if err := back.UnmarshalText(raw); err != nil || back != l {
			t.Errorf("%v does not read back: %v, %v", l, back, err)
		}
	}
}
