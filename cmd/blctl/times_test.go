package main

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"dnsbld/listing"
)

// Whatever this program or a common log prints as a time is accepted.
func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 28, 20, 48, 20, 0, time.UTC)
	east := time.FixedZone("", 3600)
	for text, want := range map[string]string{
		"2006-12-15T21:48:50Z": "2006-12-15T21:48:50Z", "2006-12-15T13:48:50-08:00": "2006-12-15T21:48:50Z", " 2006-12-15T21:48:50Z ": "2006-12-15T21:48:50Z",
		"2006-12-15T22:48:50.123456+01:00":      "2006-12-15T21:48:50.123456Z", // Postfix
		"2006-12-15T22:48:50+0100":              "2006-12-15T21:48:50Z",
		"2006-12-15 21:48:50 UTC":               "2006-12-15T21:48:50Z",
		"2006-12-15 21:48:50Z":                  "2006-12-15T21:48:50Z",
		"2006-12-15 21:48Z":                     "2006-12-15T21:48:00Z",
		"2006-12-15 22:48:50 +0100":             "2006-12-15T21:48:50Z", // Exim
		"2006-12-15":                            "2006-12-15T00:00:00Z",
		"15/Dec/2006:22:48:50 +0100":            "2006-12-15T21:48:50Z",
		"Fri Dec 15 21:48:50 UTC 2006":          "2006-12-15T21:48:50Z",
		"Fri, 15 Dec 2006 13:48:50 -0800 (PST)": "2006-12-15T21:48:50Z", "Fri, 15 Dec 2006 13:48:50 -0800": "2006-12-15T21:48:50Z", "15 Dec 2006 13:48:50 -0800": "2006-12-15T21:48:50Z",
		"Fri, 15 Dec 2006 21:48:50 +0000 (UTC (really))": "2006-12-15T21:48:50Z", "Fri, 15 Dec 2006 21:48:50 -0000": "2006-12-15T21:48:50Z",
		"Fri, 15 Dec 2006 21:48:50 GMT": "2006-12-15T21:48:50Z", "Fri, 15 Dec 2006 21:48:50 UT": "2006-12-15T21:48:50Z", "Fri, 15 Dec 2006 21:48:50 UTC": "2006-12-15T21:48:50Z",
		"-2h": "2026-11-28T18:48:20Z", "2h ago": "2026-11-28T18:48:20Z", "-1d": "2026-11-27T20:48:20Z",
		"+2h": "2026-11-28T22:48:20Z", "in 2h": "2026-11-28T22:48:20Z", "Tomorrow": "2026-11-29T00:00:00Z",
		"now": "2026-11-28T20:48:20Z", "today": "2026-11-28T00:00:00Z", "Yesterday": "2026-11-27T00:00:00Z",
	} {
		got, remark, err := parseTime(text, now, east)
		if err != nil || remark != "" || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %q, %v", text, got, remark, err)
		}
	}
	for text, want := range map[string]string{ // a log's, whose zone is guessed
		"2006-12-15 22:48:50": "2006-12-15T21:48:50Z", "2006-12-15T22:48:50": "2006-12-15T21:48:50Z",
		"Nov 28 20:48:20": "2026-11-28T19:48:20Z", "Nov  9 01:00:00": "2026-11-09T00:00:00Z", "Dec  1 01:00:00": "2025-12-01T00:00:00Z",
	} {
		got, remark, err := parseTime(text, now, east)
		if err != nil || !strings.Contains(remark, "names no zone") || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %s, %q, %v", text, got, remark, err)
		}
	}
	for _, text := range []string{
		"", "some day", "2h", "-", "-x", "+", "+-2h", "in 2h ago", "--2h", "-2h ago", "2006-13-15", "Fri, 15 Dec 2006 13:48:50 PST", "Fri, 15 Dec 2006 13:48:50 (PST)",
		"Fri, 15 Dec 2006 13:48:50", "32 Dec 2006 13:48:50 -0800", "1166219330", "Nov 31 20:48:20",
	} {
		got, _, err := parseTime(text, now, east)
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
		got, _, err := parseTime(s, time.Now(), time.UTC)
		if err != nil {
			return
		}
		if again, _, err := parseTime(got.Format(time.RFC3339Nano), time.Now(), time.UTC); err != nil || !again.Equal(got) {
			if got.Year() >= 0 && got.Year() <= 9999 {
				t.Errorf("%q is %s, which is %s, %v", s, got, again, err)
			}
		}
	})
}
