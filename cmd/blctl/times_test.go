package main

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"dnsbld/listing"
)

func TestParseTime(t *testing.T) {
	case2006 := time.Date(2006, 12, 15, 21, 48, 50, 0, time.UTC)
	for _, text := range []string{
		"2006-12-15T21:48:50Z", "2006-12-15T13:48:50-08:00", " 2006-12-15T21:48:50Z ",
		"Fri, 15 Dec 2006 13:48:50 -0800 (PST)", "Fri, 15 Dec 2006 13:48:50 -0800", "15 Dec 2006 13:48:50 -0800",
		"Fri, 15 Dec 2006 21:48:50 +0000 (UTC (really))", "Fri, 15 Dec 2006 21:48:50 -0000",
	} {
		if got, err := parseTime(text); err != nil || !got.Equal(case2006) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "yesterday", "2006-12-15", "2006-12-15 13:48:50", "Fri, 15 Dec 2006 13:48:50 PST", "Fri, 15 Dec 2006 13:48:50 (PST)",
		"Fri, 15 Dec 2006 13:48:50 GMT", "Fri, 15 Dec 2006 13:48:50 UTC", "Fri, 15 Dec 2006 13:48:50", "32 Dec 2006 13:48:50 -0800", "1166219330",
	} {
		got, err := parseTime(text)
		e, ok := errors.AsType[*listing.Error](err)
		if !ok || e.Kind != listing.ErrInvalid || e.Hint == "" {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

func TestRelative(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		at   time.Duration
		want string
	}{
		{0, "in 0s"}, {90 * time.Second, "in 1m30s"}, {72*time.Hour - time.Second, "in 3d"}, {26*time.Hour + 10*time.Minute, "in 1d2h"},
		{-10 * time.Minute, "10m ago"}, {-50 * time.Hour, "2d2h ago"},
	} {
		if got := relative(now.Add(tt.at), now); got != tt.want {
			t.Errorf("%s: %s, wanted %s", tt.at, got, tt.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[31mred", "a\nb", "\xff\xfe", "grün", "\u202egnp.exe", "a\u0000b", "\u200b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if strings.IndexFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
			t.Errorf("%q became %q", s, got)
		}
		if again := clean(got); again != got {
			t.Errorf("%q became %q, then %q", s, got, again)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2006-12-15T21:48:50Z", "Fri, 15 Dec 2006 13:48:50 -0800 (PST)", "(((", "Fri, 15 Dec 2006 13:48:50 -0800 (P(S)T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parseTime(s)
		if err != nil {
			return
		}
		if again, err := parseTime(got.Format(time.RFC3339Nano)); err != nil || !again.Equal(got) {
			if got.Year() >= 0 && got.Year() <= 9999 {
				t.Errorf("%q is %s, which is %s, %v", s, got, again, err)
			}
		}
	})
}
