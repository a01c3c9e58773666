// Package sendmail hands mail to the mail server of this host, by the program
// that every such server brings. It is a folder of its own because it is the one
// place where dnsbld starts another program for strangers: what that program gets
// and how long it may take stands here.
package sendmail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"dnsbld/listing"
)

// Find is the program that takes mail: the one that is named, else $SENDMAIL, else
// the sendmail in PATH.
func Find(named string) (path string, err error) {
	from := ""
	if named == "" {
		named, from = os.Getenv("SENDMAIL"), "$SENDMAIL is "
	}
	if named == "" {
		named, from = "sendmail", ""
	}
	path, err = exec.LookPath(named)
	switch {
	case err == nil:
		return path, nil
	case named == "sendmail":
		return "", errors.New("there is no sendmail in PATH")
	}
	return "", fmt.Errorf("%s%s: there is no such program", from, listing.Quote(named))
}

// graceTime is how long the output of a program is waited for when it has ended.
const graceTime = time.Second

// Hand hands a mail to a program, which reads the recipients in its header. The
// envelope has no sender, so that nobody answers the answer (RFC 3834, section 3.3).
// When ctx ends, the program ends, with all that it has started. The error has the
// first words that it said.
func Hand(ctx context.Context, program string, mail []byte) error {
	var said start
	cmd := exec.CommandContext(ctx, program, "-i", "-t", "-f", "<>")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(mail), &said, &said
	cmd.Dir, cmd.WaitDelay = "/", graceTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// The program must not speak to systemd in our name.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "NOTIFY_SOCKET=") || strings.HasPrefix(v, "LISTEN_") || strings.HasPrefix(v, "WATCHDOG_")
	})
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it took the mail, and something of it goes on
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not end in time and was stopped: %w", program, ctx.Err())
	case len(said) > 0:
		return fmt.Errorf("%s: %w: %s", program, err, listing.Printable(strings.TrimSpace(string(said))))
	}
	return fmt.Errorf("%s: %w", program, err)
}

// start keeps the beginning of what is written.
type start []byte

// maxSaid is how much of it.
const maxSaid = 300

// Write takes all, and keeps what there is room for.
func (s *start) Write(p []byte) (int, error) {
	*s = append(*s, p[:min(len(p), maxSaid-len(*s))]...)
	return len(p), nil
}
