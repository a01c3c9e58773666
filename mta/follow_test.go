package mta

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// mailLog is a log and what rotates it.
type mailLog struct {
	t    *testing.T
	path string
}

func newMailLog(t *testing.T, text string) *mailLog {
	m := &mailLog{t, filepath.Join(t.TempDir(), "mail.log")}
	m.create(text)
	return m
}

func (m *mailLog) do(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *mailLog) create(text string) { m.t.Helper(); m.do(os.WriteFile(m.path, []byte(text), 0o600)) }

func (m *mailLog) append(text string) { m.t.Helper(); m.appendTo(m.path, text) }

func (m *mailLog) appendTo(path, text string) {
	m.t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	m.do(err)
	_, err = f.WriteString(text)
	m.do(err)
	m.do(f.Close())
}

// rename rotates by renaming: mail.log.1 becomes mail.log.2.
func (m *mailLog) rename() {
	m.t.Helper()
	if _, err := os.Stat(m.path + ".1"); err == nil {
		m.do(os.Rename(m.path+".1", m.path+".2"))
	}
	m.do(os.Rename(m.path, m.path+".1"))
}

// copyTruncate rotates by copying.
func (m *mailLog) copyTruncate() {
	m.t.Helper()
	raw, err := os.ReadFile(m.path)
	m.do(err)
	m.do(os.WriteFile(m.path+".1", raw, 0o600))
	m.do(os.Truncate(m.path, 0))
}

// tick waits for the clock of the file system, by which files are told apart, to go on.
func (m *mailLog) tick() {
	m.t.Helper()
	written := func(path string) time.Time {
		info, err := os.Stat(path)
		m.do(err)
		return info.ModTime()
	}
	for log, now := written(m.path), m.path+".now"; ; time.Sleep(time.Millisecond) {
		m.do(os.WriteFile(now, nil, 0o600))
		later := written(now).After(log)
		m.do(os.Remove(now))
		if later {
			return
		}
	}
}

// expect reads lines until the log is quiet for some polls.
func expect(t *testing.T, f *Follower, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var got []string
	for quiet := 0; quiet < 4; {
		line, err := f.Next(ctx)
		switch {
		case errors.Is(err, ErrQuiet):
			quiet++
		case err != nil:
			t.Fatal(err)
		default:
			quiet = 0
			got = append(got, string(line))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

const poll = time.Millisecond

func TestFollow(t *testing.T) {
	for name, rotate := range map[string]func(*mailLog){
		"rename and create": func(m *mailLog) { m.rename(); m.create("") },
		"copy and truncate": func(m *mailLog) { m.copyTruncate() },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailLog(t, "one\ntwo\nthr")
			f := NewFollower(m.path, Position{}, poll, func() {})
			defer f.Close()
			expect(t, f, "one", "two")
			expect(t, f)
			m.append("ee\nfour\n")
			expect(t, f, "three", "four")
			m.append("five\n")
			rotate(m)
			m.append("six\n")
			expect(t, f, "five", "six")
			m.append("seven\r\n\neight\n")
			expect(t, f, "seven", "", "eight")
		})
	}
}

// TestFollowGap: between renaming and creating there is no log.
func TestFollowGap(t *testing.T) {
	m := newMailLog(t, "one\n")
	f := NewFollower(m.path, Position{}, poll, func() {})
	defer f.Close()
	expect(t, f, "one")
	m.append("two\n")
	m.rename()
	expect(t, f, "two")
	m.appendTo(m.path+".1", "three\n")
	expect(t, f, "three")
	m.create("four\n")
	expect(t, f, "four")
}

// TestFollowWriterIsLate: what is written to the old file after the new one was made is read before the new one.
func TestFollowWriterIsLate(t *testing.T) {
	m := newMailLog(t, "one\n")
	f := NewFollower(m.path, Position{}, poll, func() {})
	defer f.Close()
	expect(t, f, "one")
	m.rename()
	m.create("four\n")
	if _, err := f.Next(context.Background()); !errors.Is(err, ErrQuiet) {
		t.Fatal(err)
	}
	m.appendTo(m.path+".1", "two\nthree")
	expect(t, f, "two", "three", "four")
}

func TestFollowResume(t *testing.T) {
	long := strings.Repeat("x", 2*maxHead)
	for name, test := range map[string]struct {
		first  string
		change func(*mailLog)
		want   []string
	}{
		"nothing new":           {"one\n", func(m *mailLog) {}, nil},
		"more":                  {"one\n", func(m *mailLog) { m.append("two\n") }, []string{"two"}},
		"a line in part":        {"one\ntw", func(m *mailLog) { m.append("o\n") }, []string{"two"}},
		"longer than its head":  {long + "\n", func(m *mailLog) { m.append("two\n") }, []string{"two"}},
		"renamed":               {"one\n", func(m *mailLog) { m.append("two\n"); m.rename(); m.create("three\n") }, []string{"two", "three"}},
		"renamed twice":         {"one\n", func(m *mailLog) { m.append("two\n"); m.rename(); m.create("three\n"); m.rename(); m.create("four\n") }, []string{"two", "three", "four"}},
		"renamed, no new one":   {"one\n", func(m *mailLog) { m.append("two\n"); m.rename() }, []string{"two"}},
		"copied and truncated":  {"one\n", func(m *mailLog) { m.append("two\n"); m.copyTruncate(); m.append("three\n") }, []string{"two", "three"}},
		"truncated, and longer": {"one\n", func(m *mailLog) { m.copyTruncate(); m.append("two\nthree\nfour\n") }, []string{"two", "three", "four"}},
		"gone":                  {"one\n", func(m *mailLog) { m.do(os.Remove(m.path)); m.create("two\n") }, []string{"two"}},
		"dated": {"one\n", func(m *mailLog) {
			m.append("two\n")
			m.do(os.Rename(m.path, m.path+"-20261123"))
			m.create("three\n")
		}, []string{"two", "three"}},
		"others beside it": {"one\n", func(m *mailLog) {
			m.rename()
			m.do(os.WriteFile(m.path+".1.gz", []byte("one\nno\n"), 0o600))
			m.do(os.WriteFile(m.path+".err", []byte("one\nno\n"), 0o600))
			m.create("two\n")
		}, []string{"two"}},
		"empty then":   {"", func(m *mailLog) { m.append("one\n") }, []string{"one"}},
		"no such file": {"", func(m *mailLog) { m.do(os.Remove(m.path)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMailLog(t, test.first)
			f := NewFollower(m.path, Position{}, poll, func() {})
			var read []string
			if n := strings.Count(test.first, "\n"); n > 0 {
				read = strings.SplitN(test.first, "\n", n+1)[:n]
			}
			expect(t, f, read...)
			at := f.Position()
			f.Close()
			m.tick()
			test.change(m)
			f = NewFollower(m.path, at, poll, func() {})
			defer f.Close()
			expect(t, f, test.want...)
		})
	}
}

func TestFollowLongLines(t *testing.T) {
	over := strings.Repeat("x", MaxLine+1)
	m := newMailLog(t, "one\n"+over)
	skipped := 0
	f := NewFollower(m.path, Position{}, poll, func() { skipped++ })
	defer f.Close()
	expect(t, f, "one")
	at := f.Position()
	m.append(over + "\n" + strings.Repeat("y", MaxLine) + "\ntwo\n")
	want := []string{strings.Repeat("y", MaxLine), "two"}
	expect(t, f, want...)
	if skipped != 1 {
		t.Errorf("%d lines skipped", skipped)
	}
	again := NewFollower(m.path, at, poll, func() {})
	defer again.Close()
	expect(t, again, want...) // the end of a line is not taken for one
}

func TestFollowError(t *testing.T) {
	f := NewFollower(t.TempDir(), Position{}, poll, func() {})
	defer f.Close()
	if _, err := f.Next(context.Background()); err == nil || errors.Is(err, ErrQuiet) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := NewFollower("none", Position{}, poll, func() {}).Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// session is the log of one session with Postfix.
func sessionLines(pid, second int, said string) string {
	head := fmt.Sprintf("Nov 23 08:%02d:%02d mx postfix/smtpd[%d]: ", second/60, second%60, pid)
	return head + "connect from unknown[203.0.113.7]\n" +
		head + "NOQUEUE: reject: RCPT from unknown[203.0.113.7]: 554 5.7.1 no; from=<a@sender.example> to=<b@rcpt.example> proto=ESMTP helo=<" + said + ">\n" +
		head + "disconnect from unknown[203.0.113.7] ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4\n"
}

// TestTail: stopped and started again at any place, Tail reports every session, some perhaps twice and then with the same ID.
func TestTail(t *testing.T) {
	whole := ""
	for i := range 6 {
		whole += sessionLines(100+i%2, 10*i, fmt.Sprintf("h%d.example", i))
	}
	wanted, _ := readBytes(t, "postfix", []byte(whole), options())
	for cut := 0; cut <= len(whole); cut += 97 {
		m := newMailLog(t, whole[:cut])
		seen := map[string]string{}
		at := Position{}
		run := func(until int) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			quiet := 0
			err := Tail(ctx, TailConfig{
				Path: m.path, From: at, Poll: poll, Log: NewPostfix(options()),
				Report: func(r Report) error {
					if old, ok := seen[r.ID]; ok && old != r.HELO {
						t.Errorf("%s was %s and is %s", r.ID, old, r.HELO)
					}
					seen[r.ID] = r.HELO
					return nil
				},
				Save: func(p Position) error { at = p; return nil },
				Now: func() time.Time { // asked at each poll
					if quiet++; quiet > until {
						cancel()
					}
					return time.Date(2026, 11, 23, 8, 2, 0, 0, time.UTC)
				},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		run(1)
		m.append(whole[cut:])
		run(1)
		if len(seen) != len(wanted) {
			t.Errorf("cut at %d: %v", cut, seen)
		}
		for _, r := range wanted {
			if seen[r.ID] != r.HELO {
				t.Errorf("cut at %d: %s: %q, want %q", cut, r.ID, seen[r.ID], r.HELO)
			}
		}
	}
}

func TestTailErrors(t *testing.T) {
	m := newMailLog(t, sessionLines(1, 0, "h.example"))
	want := errors.New("enough")
	config := TailConfig{Path: m.path, Poll: poll, Log: NewPostfix(options()), Report: func(Report) error { return want }}
	if err := Tail(context.Background(), config); !errors.Is(err, want) {
		t.Error(err)
	}
	config.Log = NewPostfix(options())
	config.Report = func(Report) error { return nil }
	config.Save = func(Position) error { return want }
	if err := Tail(context.Background(), config); !errors.Is(err, want) {
		t.Error(err)
	}
}

// TestTailLongSession: what is saved is before the oldest open session, however much comes after it, and near the end when it is over.
func TestTailLongSession(t *testing.T) {
	filler := strings.Repeat("Nov 23 08:00:00 mx kernel: nothing\n", checkpointLines)
	lines := strings.SplitAfter(sessionLines(1, 0, "h.example"), "\n")
	m := newMailLog(t, filler+lines[0]+lines[1]+strings.Repeat(filler, 10))
	var saved Position
	run := func() (reports int) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		err := Tail(ctx, TailConfig{
			Path: m.path, From: saved, Poll: poll, Log: NewPostfix(options()),
			Report: func(Report) error { reports++; return nil },
			Save:   func(p Position) error { saved = p; return nil },
			Now: func() time.Time {
				cancel()
				return time.Date(2026, 11, 23, 8, 0, 1, 0, time.UTC)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return reports
	}
	if n := run(); n != 0 || saved.Offset != int64(len(filler)) {
		t.Errorf("%d reports, saved %+v", n, saved)
	}
	m.append(lines[2])
	info, err := os.Stat(m.path)
	m.do(err)
	if n := run(); n != 1 || saved.Offset != info.Size() {
		t.Errorf("%d reports, saved %+v of %d", n, saved, info.Size())
	}
}

// TestTailCheckpoints: their number is bounded, and the first stays.
func TestTailCheckpoints(t *testing.T) {
	log := NewPostfix(options())
	tail := tail{config: TailConfig{Log: log}, follower: NewFollower("none", Position{}, poll, log.Overlong)}
	for range 20_000 {
		tail.checkpoint()
		log.Line([]byte("Nov 23 08:00:00 mx kernel: nothing"), nil)
	}
	if n := len(tail.passed); n > 5000 || tail.passed[0].line != 0 || tail.passed[n-1].line != 19_999 {
		t.Errorf("%d checkpoints", n)
	}
}

// TestTailOverlong: a line that is too long is counted when a log is followed, too.
func TestTailOverlong(t *testing.T) {
	m := newMailLog(t, "Nov 23 08:00:00 mx kernel: "+strings.Repeat("x", MaxLine)+"\n"+sessionLines(1, 0, "h.example"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log := NewPostfix(options())
	err := Tail(ctx, TailConfig{Path: m.path, Poll: poll, Log: log, Report: func(Report) error { cancel(); return nil }})
	if stats := log.Stats(); err != nil || stats.Overlong != 1 || stats.Lines != 4 || stats.Sessions != 1 {
		t.Errorf("%+v, %v", stats, err)
	}
}
