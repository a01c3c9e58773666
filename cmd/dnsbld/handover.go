package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A successor takes over at SIGUSR2, with no query lost and none answered from a
// list that is not loaded:
//
//  1. the doors close, and the store: commands wait in the control socket;
//  2. the successor, which is the executable as it now is on the disk, is
//     started with copies of all sockets. DNS is answered here as before;
//  3. it opens the store, loads the list, answers DNS, and says "ready" over a
//     socket pair;
//  4. here DNS ends, and with it the socket pair; the successor, alone now, opens
//     its doors. A change that it takes is never answered from the older list.
//
// If it ends or says nothing, the store and the doors are opened here again.

// handed is the variable that tells a successor which sockets it has from
// descriptor 3 on: "use<TAB>path" a line. Behind them is the socket pair.
const handed = "DNSBLD_SOCKETS"

const (
	firstFile       = 3               // behind stdin, stdout and stderr
	successorWithin = 5 * time.Minute // as TimeoutStartSec of the unit
	endsWithin      = 3 * time.Second // what is left to the predecessor
	passedWithin    = 5 * time.Second // how long queries wait in systemd's sockets
)

// awaitUSR2 ends, and with it the doors, when a successor is asked for.
func (d *dnsbld) awaitUSR2(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-d.usr2:
		d.handOver.Store(true)
	}
}

// startSuccessor starts the executable with the sockets, and returns the socket
// pair when it is ready. With an error there is no successor any more.
func startSuccessor(ctx context.Context, s *sockets, log *slog.Logger) (_ *net.UnixConn, err error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	var uses []string
	for _, one := range s.all {
		uses = append(uses, one.use+"\t"+one.path)
		cmd.ExtraFiles = append(cmd.ExtraFiles, one.file)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	cmd.Env = append(os.Environ(), handed+"="+strings.Join(uses, "\n"))
	err = errors.Join(cmd.Start(), theirs.Close())
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	log.Info("a successor is started", "pid", cmd.Process.Pid, "executable", path)
	if err := awaitReady(ctx, ours); err != nil {
		_ = cmd.Process.Kill() // or it has ended
		return nil, errors.Join(err, cmd.Wait(), ours.Close())
	}
	_, _ = daemon.SdNotify(false, "MAINPID="+strconv.Itoa(cmd.Process.Pid))
	return ours, nil
}

func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	theirs = os.NewFile(uintptr(pair[1]), "successor")
	ours, err = unixConn(os.NewFile(uintptr(pair[0]), "successor"))
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// unixConn makes a connection of a file, which it closes.
func unixConn(f *os.File) (*net.UnixConn, error) {
	conn, err := net.FileConn(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// awaitReady returns when the successor has said that it is ready.
func awaitReady(ctx context.Context, c *net.UnixConn) error {
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now()) })()
	_ = c.SetReadDeadline(time.Now().Add(successorWithin))
	if _, err := c.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("the successor is not ready: %w", err)
	}
	return nil
}

// inherited are the sockets that a predecessor hands over; nil: there is none.
func inherited() (*sockets, error) {
	text, is := os.LookupEnv(handed)
	if !is {
		return nil, nil
	}
	s, next := &sockets{}, firstFile
	take := func(name string) *os.File {
		syscall.CloseOnExec(next)
		next++
		return os.NewFile(uintptr(next-1), name)
	}
	for line := range strings.SplitSeq(text, "\n") {
		use, path, _ := strings.Cut(line, "\t")
		s.all = append(s.all, &socket{use: use, path: path, file: take(use)})
	}
	var err error
	s.patience = successorWithin
	s.predecessor, err = unixConn(take("predecessor"))
	return s, errors.Join(err, os.Unsetenv(handed))
}

// answer answers DNS. On sockets that are open elsewhere, too, it waits for the
// list: until then queries are answered there, or wait.
func (d *dnsbld) answer(ctx context.Context) error {
	if most := d.sockets.patience; most > 0 {
		waiting, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		_ = d.live.Wait(waiting, 0) // else SERVFAIL says so
	}
	packet, stream, err := d.sockets.dns()
	if err != nil {
		return err
	}
	if cfg := d.cfg.Load(); cfg.XoT != "" {
		private, err := d.sockets.listen(forXoT, nil)
		if err != nil {
			return err
		}
		stream = append(stream, tls.NewListener(private, cfg.XoTTLS))
	}
	return d.dns.Serve(ctx, packet, stream)
}

// takeOver waits until the list is loaded and the predecessor, if there is one,
// has ended: it has told so by its end of the socket pair.
func (d *dnsbld) takeOver(ctx context.Context) error {
	c := d.sockets.predecessor
	if c == nil {
		return nil
	}
	if err := d.live.Wait(ctx, 0); err != nil {
		return err
	}
	d.sockets.predecessor = nil
	if _, err := c.Write([]byte{1}); err != nil {
		return errors.Join(fmt.Errorf("telling the predecessor: %w", err), c.Close())
	}
	_ = c.SetReadDeadline(time.Now().Add(endsWithin))
	_, _ = c.Read(make([]byte, 1)) // its end, or it takes too long
	return c.Close()
}
