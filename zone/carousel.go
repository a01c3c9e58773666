package zone

import (
	"errors"
	"slices"
	"sync"

	"dnsbld/nice"
)

// A carousel renders the list of a zone for all who transfer it at the same time,
// piece by piece, round and round. Between its SOA records a zone may come in any
// order (RFC 5936, section 2.2): whoever gets on later takes what is rendered next,
// and at the end what he has missed. Nothing is rendered unless somebody is about
// to send it, and nobody waits for those who are slower: of what has left the window
// they get the rest when it comes round again.
//
// Pieces are frames for everybody (see frames). A set never changes, so a round
// has the same pieces as the one before. All records of a name are in one piece, for
// whoever takes a zone expects them together.
type carousel struct {
	rendering
	question int // octets of header and question

	riders int           // under the lock of carousels
	ended  chan struct{} // closed when nothing is rendered any more

	mu     sync.Mutex
	turned sync.Cond // something here has changed
	window [][]byte
	made   int  // pieces, in all rounds
	all    int  // pieces of a round
	whole  bool // all is known
	front  int  // how far the first of the riders is
	over   bool // there are none
}

// Sizes of a carousel. The window is how far riders may be apart and still share
// what is rendered.
const (
	pieceSize    = 1 << 16 // octets
	windowPieces = 128
	ahead        = 2 // pieces that are rendered before somebody wants them
)

var errNoRiders = errors.New("nobody transfers the zone any more")

// carousels are those that turn.
type carousels struct {
	mu  sync.Mutex
	all []*carousel
}

// ride brings all of a rendering to a client.
func (all *carousels) ride(r rendering, to *courier) error {
	c := all.board(r, len(to.head))
	defer all.leave(c)
	passenger := rider{piece: make([]byte, 0, pieceSize+frameSize)}
	for c.take(&passenger) {
		if err := to.put(passenger.piece); err != nil {
			return err
		}
	}
	return nil
}

// board finds the carousel of a rendering, or sets one going.
func (all *carousels) board(r rendering, question int) *carousel {
	all.mu.Lock()
	defer all.mu.Unlock()
	n := slices.IndexFunc(all.all, func(c *carousel) bool { return c.rendering == r })
	if n < 0 {
		n, all.all = len(all.all), append(all.all, newCarousel(r, question, windowPieces))
	}
	all.all[n].riders++
	return all.all[n]
}

func newCarousel(r rendering, question, window int) *carousel {
	c := &carousel{rendering: r, question: question, window: make([][]byte, window), ended: make(chan struct{})}
	c.turned.L = &c.mu
	go c.turn()
	return c
}

// leave stops a carousel when the last rider is gone.
func (all *carousels) leave(c *carousel) {
	all.mu.Lock()
	c.riders--
	last := c.riders == 0
	if last {
		all.all = slices.DeleteFunc(all.all, func(x *carousel) bool { return x == c })
	}
	all.mu.Unlock()
	if last {
		c.stop()
	}
}

// stop ends the rendering.
func (c *carousel) stop() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.turned.Broadcast()
	<-c.ended
}

// rider is one who transfers.
type rider struct {
	had   []bool // by the number of a piece in its round
	count int    // of those
	seen  int    // how far he has looked at pieces, in all rounds
	piece []byte // that he sends
}

// take copies to a rider a piece that he has not had. When he has had all it
// reports false.
func (c *carousel) take(r *rider) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for r.seen = max(r.seen, c.made-len(c.window)); r.seen < c.made; {
			at := r.seen
			r.seen++
			if r.wants(c.place(at)) {
				r.piece = append(r.piece[:0], c.window[at%len(c.window)]...)
				c.advance(r.seen)
				return true
			}
		}
		if c.whole && r.count == c.all {
			return false
		}
		c.advance(r.seen)
		c.turned.Wait()
	}
}

// advance lets more be rendered.
func (c *carousel) advance(to int) {
	if to > c.front {
		c.front = to
		c.turned.Broadcast()
	}
}

// place is the number of a piece in its round.
func (c *carousel) place(n int) int {
	if c.whole {
		return n % c.all
	}
	return n
}

// wants notes that the rider takes a piece, unless he has had it.
func (r *rider) wants(place int) bool {
	r.had = append(r.had, make([]bool, max(0, place+1-len(r.had)))...)
	if r.had[place] {
		return false
	}
	r.had[place] = true
	r.count++
	return true
}

// turn renders until there are no riders. It is bulk work.
func (c *carousel) turn() {
	defer close(c.ended)
	nice.Forever()
	for c.round() {
	}
}

// round renders the list once, and reports whether it is wanted again.
func (c *carousel) round() bool {
	piece := make([]byte, 0, pieceSize+frameSize)
	f := newFrames(c.question, c.zone.ttl, func(frame []byte) error {
		piece = append(piece, frame...)
		return nil
	})
	for r := range c.listRecords() {
		if r.owner != f.owner && len(piece)+len(f.buf) >= pieceSize {
			if f.flush(); c.publish(piece) != nil {
				return false
			}
			piece = piece[:0]
		}
		f.add(&r)
	}
	if f.flush(); len(piece) > 0 && c.publish(piece) != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.whole {
		c.whole, c.all = true, c.made
		c.turned.Broadcast()
	}
	return c.all > 0
}

// publish puts a piece into the window when somebody is near its end.
func (c *carousel) publish(piece []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.made-c.front >= ahead && !c.over {
		c.turned.Wait()
	}
	if c.over {
		return errNoRiders
	}
	at := c.made % len(c.window)
	c.window[at] = append(c.window[at][:0], piece...)
	c.made++
	c.turned.Broadcast()
	return nil
}
