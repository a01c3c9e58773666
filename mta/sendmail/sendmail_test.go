package sendmail

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program writes an executable script.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sendmail")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHand(t *testing.T) {
	p := program(t, `for word in "$@"; do echo "[$word]"; done >"$0.args"; cat >"$0.mail"; env >"$0.env"`)
	t.Setenv("NOTIFY_SOCKET", "/run/x")
	t.Setenv("LISTEN_FDS", "3")
	const mail = "To: a@sender.example\n\n.\nFrom here\n"
	if err := Hand(t.Context(), p, []byte(mail)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{".args": "[-i]\n[-t]\n[-f]\n[<>]\n", ".mail": mail} {
		if got, err := os.ReadFile(p + name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	env, err := os.ReadFile(p + ".env")
	if err != nil || strings.Contains(string(env), "NOTIFY_SOCKET") || strings.Contains(string(env), "LISTEN_FDS") || !strings.Contains(string(env), "PATH=") {
		t.Errorf("its environment: %s, %v", env, err)
	}
}

// Whatever the program does, Hand comes back, and says what went wrong.
func TestHandFails(t *testing.T) {
	for name, c := range map[string]struct {
		text, says string
		large      bool
	}{
		"refuses":          {text: "echo 'no room\x1b' >&2; exit 75", says: `exit status 75: no room\x1b`},
		"talks much":       {text: "yes | head -c 100000 >&2; exit 1", says: "exit status 1: y"},
		"reads nothing":    {text: "exit 3", says: "exit status 3", large: true},
		"is killed":        {text: "kill -9 $$", says: "killed"},
		"is no program":    {says: "no such file"},
		"takes no input":   {text: "exec <&-; exit 0", large: true},
		"leaves something": {text: "sleep 5 & exit 0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := "/nonexistent/sendmail"
			if c.text != "" {
				p = program(t, c.text)
			}
			mail := "x"
			if c.large {
				mail = strings.Repeat("x\n", 1<<20)
			}
			switch err := Hand(t.Context(), p, []byte(mail)); {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 1500):
				t.Errorf("%v, wanted %s", err, c.says)
			}
		})
	}
}

// A program that hangs is stopped, with what it has started.
func TestHandIsBounded(t *testing.T) {
	p := program(t, `sleep 1000 & echo $! >"$0.pid"; wait`)
	var started []byte
	for within := 300 * time.Millisecond; len(started) == 0; within *= 2 { // longer, where the machine had no time to start anything
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		if err := Hand(ctx, p, nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "was stopped") {
			t.Fatal(err)
		}
		started, _ = os.ReadFile(p + ".pid")
	}
	stat := filepath.Join("/proc", strings.TrimSpace(string(started)), "stat")
	runs := func() bool {
		state, err := os.ReadFile(stat)
		return err == nil && !strings.Contains(string(state), ") Z ") // that nobody waits for it is another's affair
	}
	for end := time.Now().Add(time.Minute); runs(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what it started runs on")
		}
	}
}

func TestFind(t *testing.T) {
	p := program(t, "exit 0")
	t.Setenv("SENDMAIL", "")
	t.Setenv("PATH", filepath.Dir(p))
	if got, err := Find(""); err != nil || got != p {
		t.Errorf("in PATH: %q, %v", got, err)
	}
	other := program(t, "exit 0")
	t.Setenv("SENDMAIL", other)
	if got, err := Find(""); err != nil || got != other {
		t.Errorf("$SENDMAIL: %q, %v", got, err)
	}
	if got, err := Find(p); err != nil || got != p {
		t.Errorf("named: %q, %v", got, err)
	}
	t.Setenv("SENDMAIL", "/nonexistent")
	if _, err := Find(""); err == nil || !strings.Contains(err.Error(), "$SENDMAIL") {
		t.Errorf("a $SENDMAIL that is none: %v", err)
	}
	t.Setenv("SENDMAIL", "")
	t.Setenv("PATH", "/nonexistent")
	if _, err := Find(""); err == nil || err.Error() != "there is no sendmail in PATH" {
		t.Errorf("none: %v", err)
	}
}
