package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dnsbld/cmd/dnsbld/config"
)

// parse reads a configuration as `dnsbld check` does.
func parse(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dnsbld.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(path, nil)
}

// systemd gives up on a bad configuration alone: not on a crash, however often.
func TestUnitRestartsAfterACrash(t *testing.T) {
	if os.Getenv("DNSBLD_CRASH") != "" {
		go panic("a crash")
		select {}
	}
	crash := exec.Command(os.Args[0], "-test.run=^TestUnitRestartsAfterACrash$")
	crash.Env = append(os.Environ(), "DNSBLD_CRASH=1")
	var ended *exec.ExitError
	if err := crash.Run(); !errors.As(err, &ended) || ended.ExitCode() == exitConfig {
		t.Fatalf("a crash ends with %v", err)
	}
	raw, err := os.ReadFile("../../scripts/systemd/dnsbld.service")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	for _, want := range []string{"Restart=always", fmt.Sprintf("RestartPreventExitStatus=%d", exitConfig), "StartLimitIntervalSec=0",
		// Where there is systemd-analyze, scripts/test has it say how much these are worth.
		"ProtectProc=invisible", "ProcSubset=pid", "RemoveIPC=yes", "SystemCallFilter=~@privileged @resources", "SocketBindDeny=any",
		"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"} {
		if !slices.Contains(lines, want) {
			t.Errorf("the unit lacks %s", want)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"example"}, exitDone, "[[zone]]"},
		{[]string{"version"}, exitDone, "dnsbld"},
		{[]string{"--version"}, exitDone, "dnsbld"},
		{[]string{"check"}, exitConfig, "config"},
		{[]string{"check", "--config", "missing.toml"}, exitConfig, "missing.toml"},
		{[]string{"check", "file.toml", "--config", "missing.toml"}, exitConfig, "file.toml"},
		{[]string{"nonsense"}, exitConfig, "nonsense"},
		{[]string{"serve", "--nonsense"}, exitConfig, "nonsense"},
		{[]string{"serve", "--clock-offset", "1h", "--zone", "bl.invalid"}, exitConfig, ".test or .example"},
		{[]string{"serve", "--store", "etcd://192.0.2.1"}, exitConfig, "bbolt:PATH"},
		{[]string{"serve", "--listen", "localhost:53"}, exitConfig, "listen.dns"},
	} {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		status := run(ctx, append([]string{"dnsbld"}, c.args...), &out, &out)
		cancel()
		if status != c.status || !strings.Contains(out.String(), c.want) {
			t.Errorf("dnsbld %v: exit %d, want %d with %q:\n%s", c.args, status, c.status, c.want, out.String())
		}
	}
}
