package mta

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dnsbld/listing/helo"
)

// options are those of the fixtures' mail server: its clock ran in UTC.
func options() LogOptions {
	return LogOptions{
		Receiver: "mx1",
		Zone:     time.UTC,
		Now:      func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
	}
}

type logCase struct{ client, helo string }

// logCases reads cases.tsv: what each client said, as it said it.
func logCases(t testing.TB) map[string]logCase {
	t.Helper()
	raw, err := os.ReadFile("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]logCase{}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n")[1:] {
		f := strings.Split(line, "\t")
		said, err := strconv.Unquote(`"` + f[2] + `"`)
		if err != nil {
			t.Fatalf("%s: %v", f[0], err)
		}
		cases[f[0]] = logCase{client: f[1], helo: said}
	}
	if len(cases) != 39 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

// neutered is what Postfix makes of a HELO.
func neutered(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`<>()\";@`, c) >= 0 {
			out[i] = '?'
		}
	}
	return string(out)
}

func readAll(t testing.TB, format, file string, o LogOptions) ([]Report, LogStats) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return readBytes(t, format, raw, o)
}

func readBytes(t testing.TB, format string, raw []byte, o LogOptions) ([]Report, LogStats) {
	t.Helper()
	log, reports := feed(t, format, raw, o)
	return reports, log.Stats()
}

func readLog(t testing.TB, format, file string, o LogOptions) (Log, []Report) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return feed(t, format, raw, o)
}

func feed(t testing.TB, format string, raw []byte, o LogOptions) (Log, []Report) {
	t.Helper()
	log, err := NewLog(format, o)
	if err != nil {
		t.Fatal(err)
	}
	var reports []Report
	if _, err := Read(bytes.NewReader(raw), log, func(r Report) error {
		reports = append(reports, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return log, reports
}

// said lists what sessions showed, without what tells equal ones apart.
func said(reports []Report) []string {
	var list []string
	for _, r := range reports {
		list = append(list, fmt.Sprintf("%s %q", r.Client, r.HELO))
	}
	slices.Sort(list)
	return list
}

// casesIn finds the cases of which a log has a line that pattern matches; the envelope sender names the case.
func casesIn(t *testing.T, file, pattern string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllSubmatch(raw, -1) {
		name := string(m[1])
		if strings.Contains(name, `"`) {
			name = "evil-sender"
		}
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func TestPostfixFixtures(t *testing.T) {
	cases := logCases(t)
	const withHELO = `(?m)from=<(.*)@sender\.example> to=<.*> proto=ESMTP helo=<[^<>]*>$`
	for file, sessions := range map[string]int{
		"postfix-default.log":     39,
		"postfix-permitlog.log":   39,
		"postfix-helochecks.log":  26,
		"postfix-rbl.log":         16,
		"postfix-rbl.rfc3339.log": 16,
		"postfix-submission.log":  4,
	} {
		t.Run(file, func(t *testing.T) {
			names := casesIn(t, file, withHELO)
			var want []string
			for _, name := range names {
				want = append(want, fmt.Sprintf("%s %q", cases[name].client, neutered(cases[name].helo)))
			}
			slices.Sort(want)
			reports, stats := readAll(t, "postfix", file, options())
			if got := said(reports); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if len(reports) != sessions {
				t.Errorf("%d sessions, want %d", len(reports), sessions)
			}
			if stats.Skipped+stats.Ambiguous+stats.Overlong != 0 || stats.Sessions != int64(len(reports)) {
				t.Errorf("%+v", stats)
			}
			for _, r := range reports {
				if r.Receiver != "mx1" || r.Verb != helo.VerbEHLO || r.Submission != strings.Contains(file, "submission") ||
					r.Time.Before(time.Date(2026, 11, 23, 8, 50, 0, 0, time.UTC)) || r.Time.After(options().Now()) {
					t.Errorf("%+v", r)
				}
				if !slices.Contains(r.Recipients, "rcpt.example") {
					t.Errorf("recipients %q", r.Recipients)
				}
			}
		})
	}
}

func TestEximFixtures(t *testing.T) {
	cases := logCases(t)
	const withHELO = `(?m)(?: F=<| <= )(.*?)@sender\.example`
	refused := []string{"own-bare6", "ok-under", "evil-angle", "evil-paren", "evil-from", "evil-8bit", "evil-ctl"}
	for file, also := range map[string][]string{
		"exim-default.log":        refused,
		"exim-usual.log":          refused,
		"exim-syslog.rfc3339.log": {"evil-paren"},
	} {
		t.Run(file, func(t *testing.T) {
			var want []string
			for _, name := range append(casesIn(t, file, withHELO), also...) {
				said := cases[name].helo
				if name == "own-lit4" { // Exim leaves it out beside a confirmed name
					said = "dsl-own.isp.example"
				}
				want = append(want, fmt.Sprintf("%s %q", cases[name].client, said))
			}
			slices.Sort(want)
			reports, stats := readAll(t, "exim", file, options())
			if got := said(reports); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if stats.Skipped+stats.Ambiguous+stats.Overlong+stats.Unknown != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

// TestSameLogSameIDs: IDs are unique within a log, and the same whenever it is read, with or without fractions of seconds.
func TestSameLogSameIDs(t *testing.T) {
	ids := func(format, file string) []string {
		var ids []string
		reports, _ := readAll(t, format, file, options())
		for _, r := range reports {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		return ids
	}
	for format, files := range map[string][]string{
		"postfix": {"postfix-default.log", "postfix-rbl.log", "postfix-permitlog.log"},
		"exim":    {"exim-default.log", "exim-usual.log", "exim-syslog.rfc3339.log"},
	} {
		for _, file := range files {
			first := ids(format, file)
			if !slices.Equal(first, ids(format, file)) {
				t.Errorf("%s: other IDs when read again", file)
			}
			if unique := slices.Compact(slices.Clone(first)); len(unique) != len(first) {
				t.Errorf("%s: %d IDs for %d sessions", file, len(unique), len(first))
			}
		}
	}
	if a, b := ids("postfix", "postfix-rbl.log"), ids("postfix", "postfix-rbl.rfc3339.log"); !slices.Equal(a, b) {
		t.Errorf("IDs depend on the time format: %q, %q", a, b)
	}
}
