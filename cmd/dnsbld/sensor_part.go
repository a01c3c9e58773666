package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"dnsbld/listing/sighting"
)

// forgetful is an archive for counters that cannot be stored.
type forgetful struct{}

func (forgetful) Scan(_, _ []byte) iter.Seq2[sighting.Item, error] {
	return func(func(sighting.Item, error) bool) {}
}

func (forgetful) Save([]sighting.Item) error { return nil }
func (forgetful) Renew(error) error          { return nil }
func (forgetful) Close() error               { return nil }

// trouble says on the log what fails over and over, once a minute.
type trouble struct {
	log  *slog.Logger
	mu   sync.Mutex
	said map[string]time.Time
	more map[string]int // since it was said
}

func (t *trouble) say(what string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.said == nil {
		t.said, t.more = map[string]time.Time{}, map[string]int{}
	}
	if time.Since(t.said[what]) < time.Minute {
		t.more[what]++
		return
	}
	t.log.Error(what, "err", err, "times_before", t.more[what])
	t.said[what], t.more[what] = time.Now(), 0
}

// listenPolicy binds a socket of the policy service. Whoever may enter the
// directory of a Unix socket may speak to it: Postfix, which has a user of its
// own, must.
func listenPolicy(ctx context.Context, a policyAddress) (net.Listener, error) {
	var config net.ListenConfig
	if a.network != "unix" {
		return config.Listen(ctx, a.network, a.address)
	}
	if err := removeStale(a.address); err != nil {
		return nil, err
	}
	l, err := config.Listen(ctx, "unix", a.address)
	if err != nil {
		return nil, err
	}
	const everybody = 0o666
	if err := os.Chmod(a.address, everybody); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// removeStale takes away a socket that nobody answers on.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is not a socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: %w", path, syscall.EADDRINUSE), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}
