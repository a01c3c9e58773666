package index

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"dnsbld/listing"
	"dnsbld/nice"
)

const (
	// most is how many changes that wait already are published together. It
	// bounds how long the first of them waits for the last.
	most = 4096
	// atOnce is how many changes of one revision are handed over together, or entries
	// in blocks.
	atOnce = 256
	// bulk is how many changes leave enough garbage to be worth a collection.
	bulk = 100_000
	// settleAfter is how long that waits: whoever made the changes holds what
	// it made them with until it has heard that they are served.
	settleAfter = time.Second
)

// follow publishes what changes after the set that is served. It always
// returns an error.
func (l *Live) follow(ctx context.Context, store listing.Store) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := readStream(ctx, store, l.Set().revision)
	f := follower{live: l, builder: newBuilder(l.Set()), settling: time.AfterFunc(time.Hour, l.settle)}
	defer f.settling.Stop()
	f.settling.Stop()
	for {
		batch, ok := s.next()
		if err := f.take(batch); err != nil {
			cancel()
			<-s.done
			return err
		}
		if !ok {
			<-s.done
			return s.err
		}
	}
}

// stream is the changes of a store, read ahead by a goroutine: only so can be
// told whether more are there already.
type stream struct {
	changes chan []listing.Change // some of one revision, or the rest of it
	done    chan struct{}
	err     error // why it ended; after done
	batch   []listing.Change
}

func readStream(ctx context.Context, store listing.Store, after listing.Revision) *stream {
	s := &stream{changes: make(chan []listing.Change, most/atOnce), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		defer close(s.changes)
		nice.Forever()
		s.err = s.read(ctx, store, after)
	}()
	return s
}

func (s *stream) read(ctx context.Context, store listing.Store, after listing.Revision) error {
	var some []listing.Change
	changes, inBlocks := store.Changes, 0
	if packed, ok := store.(listing.PackedChanges); ok {
		changes = packed.ChangesInBlocks
	}
	for c, err := range changes(ctx, after) {
		if err != nil {
			return err
		}
		if c.Added != nil {
			inBlocks += c.Added.Len()
		}
		if some = append(some, c); len(some)+inBlocks < atOnce && !c.Last {
			continue
		}
		select {
		case s.changes <- some:
		case <-ctx.Done():
			return ctx.Err()
		}
		if some, inBlocks = nil, 0; !c.Last && c.Added == nil {
			some = make([]listing.Change, 0, atOnce)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return fmt.Errorf("the changes ended: %w", listing.ErrUnavailable)
}

// next waits for changes and takes with them those that are there already, up
// to most or a few more; ok is false at the end.
func (s *stream) next() (batch []listing.Change, ok bool) {
	clear(s.batch)
	s.batch = s.batch[:0]
	some, ok := <-s.changes
	for ok {
		if s.batch = append(s.batch, some...); len(s.batch) >= most {
			break
		}
		select {
		case some, ok = <-s.changes:
			continue
		default:
		}
		break
	}
	return s.batch, ok
}

// follower folds batches of changes into sets.
type follower struct {
	live     *Live
	builder  *builder
	settling *time.Timer
}

// take publishes the revisions that end in a batch, as one set, and begins the
// next with what is left.
func (f *follower) take(batch []listing.Change) error {
	end := len(batch)
	for end > 0 && !batch[end-1].Last {
		end--
	}
	f.fold(batch[:end])
	if end > 0 {
		if err := f.publish(); err != nil {
			return err
		}
	}
	f.fold(batch[end:])
	return nil
}

func (f *follower) fold(changes []listing.Change) {
	for n := range changes {
		f.builder.fold(&changes[n])
	}
}

func (f *follower) publish() error {
	next, err := f.builder.finish()
	if err != nil {
		return err
	}
	folded := f.builder.folded
	f.builder = newBuilder(next)
	if folded >= bulk {
		debug.FreeOSMemory() // before whoever waits for it is told: what an import is read into can be larger than the list
	}
	f.live.Publish(next)
	if folded >= bulk {
		f.settling.Reset(settleAfter)
	}
	return nil
}
