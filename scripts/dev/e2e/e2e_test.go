//go:build e2e

// Each folder beside this file that begins with a number holds one, a script
// named run that opens with a drawing of its topology and exits 0 when all is
// right. They drive the real programs and real servers of others.
package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestEndToEnd(t *testing.T) {
	bin := programs(t)
	scripts, err := filepath.Glob("[0-9][0-9]-*/run")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(filepath.Dir(script), func(t *testing.T) { runScript(t, bin, script) })
	}
}

// runScript runs one script in a temporary directory of its own, and ends
// whatever it left running.
func runScript(t *testing.T, bin, script string) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute) // on a machine that is busy with other tests
	defer cancel()
	said, err := os.Create(filepath.Join(t.TempDir(), "said")) // no pipe: what is left running would hold it
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(here, script))
	cmd.Dir = workDir(t)
	cmd.Env = append(os.Environ(), "BIN="+bin, "LIB="+filepath.Join(here, "lib.sh"), "ROOT="+filepath.Join(here, "..", "..", ".."))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Stdout, cmd.Stderr = said, said
	err = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	out, unread := os.ReadFile(said.Name())
	if err := errors.Join(err, unread); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	t.Logf("%s", out)
}

// workDir is an empty directory that servers which give up their privileges can
// reach; t.TempDir lies in one that they cannot.
func workDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := os.RemoveAll(dir)
		for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); err = os.RemoveAll(dir) {
			time.Sleep(50 * time.Millisecond) // a server that was ended still writes there
		}
		if err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
