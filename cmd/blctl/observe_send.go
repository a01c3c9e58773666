package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dnsbld/ctl"
	"dnsbld/files"
	"dnsbld/listing"
	"dnsbld/listing/sensor"
	"dnsbld/mta"
)

// Sessions are sent at least once: what was sent is sent again when it is not
// known whether it arrived, and counts once, for the daemon knows sessions by
// their ids. So nothing here needs to be exact but the order: a position is written
// only after all before it was sent.
//
// Sessions are sent in batches of a size and an age. The daemon stores a batch
// before it answers, which costs nearly as much for a few as for many.
const (
	batchSize = 20_000
	batchMost = 8 << 20 // octets
	batchAge  = 250 * time.Millisecond
	retryTime = 2 * time.Second
	graceTime = 5 * time.Second // for what is on its way when the command is interrupted
)

// batcher gathers sessions and delivers them in batches. Two goroutines use it: the
// one that reads the log, and keepFlushing.
type batcher struct {
	deliver func(ctx context.Context, batch []byte) (sensor.Observed, error)
	patient bool // wait while the daemon cannot be reached
	most    int  // octets of a batch; 0: batchMost
	news    func(sensor.Listing)
	own     func(*mta.Report) bool // leaves out sessions of others; nil: all are sent

	mu      sync.Mutex
	waiting bytes.Buffer // one session a line, as observe reads them as ndjson
	count   int
	total   sensor.Observed
	failed  error
}

// report takes a session, and sends those that wait if they are enough.
func (t *batcher) report(ctx context.Context, r mta.Report) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.own != nil && !t.own(&r) {
		t.total.Skipped++
		return t.failed
	}
	if t.failed == nil {
		t.failed = json.NewEncoder(&t.waiting).Encode(r)
		t.count++
	}
	if t.count >= batchSize || t.waiting.Len() >= cmp.Or(t.most, batchMost) {
		t.send(ctx)
	}
	return t.failed
}

// flush sends those that wait.
func (t *batcher) flush(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.send(ctx)
	return t.failed
}

// send hands over what waits; t.mu is held. A patient batcher tries until it is taken.
func (t *batcher) send(ctx context.Context) {
	for t.failed == nil && t.count > 0 {
		out, err := t.deliver(ctx, t.waiting.Bytes())
		if t.patient && errors.Is(err, listing.ErrUnavailable) && ctx.Err() == nil {
			pause(ctx, retryTime)
			continue
		}
		t.total.Add(out)
		for _, l := range out.Listed {
			t.news(l)
		}
		t.failed = err
		t.waiting.Reset()
		t.count = 0
	}
}

// insistent sends a batch, and lets it arrive when the command is interrupted
// meanwhile.
func insistent(ctx context.Context, send func(context.Context) error) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		pause(sending, graceTime)
		cancel()
	})
	defer stop()
	return send(sending)
}

// sendToDaemon sends a batch to the daemon.
func (p *program) sendToDaemon(ctx context.Context, batch []byte) (out sensor.Observed, err error) {
	err = insistent(ctx, func(ctx context.Context) error {
		out, err = p.client.Observe(ctx, ctl.None{}, bytes.NewReader(batch))
		return err
	})
	return out, err
}

// keepFlushing sends what waits after batchAge, so that a quiet log is reported, too.
// The function that it returns ends that.
func (t *batcher) keepFlushing(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for ctx.Err() == nil {
			pause(ctx, batchAge)
			if ctx.Err() == nil {
				_ = t.flush(ctx) // kept, and met again by who reports next
			}
		}
	})
	return func() { cancel(); ended.Wait() }
}

// pause waits, or ends early when ctx does.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// stateDir is where this command keeps what it must remember: the state
// directory of systemd, or the user's (XDG Base Directory Specification).
func (p *program) stateDir() (string, error) {
	dir := p.getenv("STATE_DIRECTORY")
	if dir == "" {
		dir = p.getenv("XDG_STATE_HOME")
		if home := p.getenv("HOME"); dir == "" && home != "" {
			dir = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(dir, "blctl")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &listing.Error{Kind: listing.ErrInvalid, Code: "no-state", Message: err.Error(),
			Hint: "say where to keep it: with --position how far the log was read, with --spool what is yet to be sent"}
	}
	return dir, nil
}

// The file of a position is one line of JSON: the log's inode, how far it was read,
// and a digest of its first octets, so that a log that was rotated or written anew
// is known as another (mta.Position).

// positionFile is where it is kept how far a log was read: where the user says,
// or a file of the log's own.
func (p *program) positionFile(given, log string) (string, error) {
	if given != "" {
		return given, nil
	}
	dir, err := p.stateDir()
	if err != nil {
		return "", err
	}
	whole, err := filepath.Abs(log)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", log, err)
	}
	sum := sha256.Sum256([]byte(whole))
	return filepath.Join(dir, fmt.Sprintf("%s-%x.position", filepath.Base(whole), sum[:4])), nil
}

// readPosition is how far a log was read; the beginning if nothing is kept.
func readPosition(file string) (at mta.Position, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &at)
	}
	if err != nil {
		return at, &listing.Error{Kind: listing.ErrInvalid, Code: "bad-position", Message: "reading how far the log was read: " + err.Error(),
			Hint: "take the file away to begin at the start of the log: what was counted before counts once"}
	}
	return at, nil
}

// writePosition replaces the file in one step.
func writePosition(file string, at mta.Position) error {
	raw, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return files.Replace(file, append(raw, '\n'))
}
