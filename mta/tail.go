package mta

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// TailConfig says which log is followed, and what for.
type TailConfig struct {
	Path   string
	From   Position // zero: the beginning
	Poll   time.Duration
	Log    Log                  // how to read it; a new one. Required
	Report func(Report) error   // takes each session; an error ends Tail. Required
	Save   func(Position) error // takes where to begin next time; nil: nobody needs it
	Now    func() time.Time     // nil: time.Now
}

// checkpointLines is how many lines lie between two positions that may be saved.
const checkpointLines = 1000

// Tail follows a log until ctx is done, and then returns nil. Sessions that are open then are not
// reported: the position that was saved is before them, so that they are read again. So may be some
// that were reported; their IDs are the same.
func Tail(ctx context.Context, c TailConfig) error {
	if c.Now == nil {
		c.Now = time.Now
	}
	t := tail{config: c, follower: NewFollower(c.Path, c.From, c.Poll, c.Log.Overlong)}
	defer t.follower.Close()
	t.checkpoint()
	for t.failed == nil {
		line, err := t.follower.Next(ctx)
		switch {
		case err == nil:
			t.line(line)
		case errors.Is(err, ErrQuiet):
			c.Log.Expire(c.Now(), t.report)
			t.checkpoint()
			t.save()
		case ctx.Err() != nil:
			t.checkpoint()
			t.save()
			return t.failed
		default:
			return err
		}
	}
	return t.failed
}

// tail is a log that is being followed.
type tail struct {
	config   TailConfig
	follower *Follower
	passed   []checkpoint // rising
	saved    Position
	failed   error
}

// checkpoint is the position before a line.
type checkpoint struct {
	line int64
	at   Position
}

// line takes a line. Positions are noted now and then only: to begin again somewhat earlier costs
// time, and counts nobody twice.
func (t *tail) line(line []byte) {
	t.config.Log.Line(line, t.report)
	if t.config.Log.Stats().Lines%checkpointLines == 0 {
		t.checkpoint()
		t.save()
	}
}

func (t *tail) report(r Report) {
	if t.failed == nil {
		t.failed = t.config.Report(r)
	}
}

// checkpoint notes where the line to come is.
func (t *tail) checkpoint() {
	const most = 4096
	now := checkpoint{t.config.Log.Stats().Lines, t.follower.Position()}
	if n := len(t.passed); n > 0 && t.passed[n-1].line == now.line {
		t.passed[n-1] = now
		return
	}
	if len(t.passed) >= most { // a session is open for very long: coarser ones will do
		kept := t.passed[:1]
		for i := 2; i < len(t.passed); i += 2 {
			kept = append(kept, t.passed[i])
		}
		t.passed = kept
	}
	t.passed = append(t.passed, now)
}

// save hands out the last checkpoint before all open sessions.
func (t *tail) save() {
	if t.config.Save == nil || t.failed != nil {
		return
	}
	oldest := t.config.Log.Oldest()
	for len(t.passed) > 1 && t.passed[1].line <= oldest {
		t.passed = t.passed[1:]
	}
	if at := t.passed[0].at; at != t.saved {
		if err := t.config.Save(at); err != nil {
			t.failed = fmt.Errorf("saving the position in %s: %w", t.config.Path, err)
			return
		}
		t.saved = at
	}
}
