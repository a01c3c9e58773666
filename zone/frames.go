package zone

import (
	"encoding/binary"
	"time"
)

// frames packs records into the messages of a transfer, less what is of one
// question: the header and the question, for which it leaves room. So the same
// frames serve all who ask for a zone. Names point to the zone's name in the
// question, which is as long whoever asks, and to the owner before.
type frames struct {
	put   func(frame []byte) error // takes one: its length in two octets, then the message
	ttl   uint32
	buf   []byte
	empty int // length of a frame without records
	count uint16
	owner string // of the last record
	at    uint16 // where it stands
	err   error  // of put; nothing is packed after it
}

// frameSize keeps names where pointers reach them (RFC 1035, section 4.1.4).
const frameSize = 1<<14 - 1

// newFrames leaves room for a header and a question of so many octets.
func newFrames(head int, ttl uint32, put func([]byte) error) *frames {
	return &frames{put: put, ttl: ttl, buf: make([]byte, 2+head, 2+1<<14), empty: 2 + head}
}

// add packs a record, and puts the frame before it if that is full. It reports
// whether there is any use in more.
func (f *frames) add(r *record) bool {
	const most = 2 + 10 // a pointer; type, class, TTL and length
	if len(f.buf)-2+len(r.owner)+most+len(r.data) > frameSize {
		f.flush()
	}
	if f.count > 0 && f.owner == r.owner {
		f.buf = r.append(f.buf, "", f.ttl, f.at)
	} else {
		f.owner, f.at = r.owner, uint16(len(f.buf)-2)
		if f.owner == "" {
			f.at = headerSize
		}
		f.buf = r.append(f.buf, r.owner, f.ttl, headerSize)
	}
	f.count++
	return f.err == nil
}

// flush puts what is packed so far.
func (f *frames) flush() {
	if f.count > 0 && f.err == nil {
		binary.BigEndian.PutUint16(f.buf, uint16(len(f.buf)-2))
		binary.BigEndian.PutUint16(f.buf[2+countAt:], f.count)
		f.err = f.put(f.buf)
	}
	f.buf, f.count = f.buf[:f.empty], 0
}

// countAt is where a header counts the records of the answer.
const countAt = 6

// courier brings frames to one client: it fills in its question and signs.
type courier struct {
	c    *conversation
	head []byte // the header without a count, and the question
	sig  *signature
	out  []byte // signed and not yet sent
}

// fullOut is when a courier sends.
const fullOut = 1 << 16

func newCourier(c *conversation, t *streamed) *courier {
	w := writer{}
	w.header(&t.request, &reply{kind: kindData})
	return &courier{c: c, head: w.buf, sig: &t.signature, out: make([]byte, 0, fullOut+1<<15)}
}

// put takes frames, one or several.
func (to *courier) put(frames []byte) error {
	for len(frames) > 0 {
		frame := frames[:2+binary.BigEndian.Uint16(frames)]
		frames = frames[len(frame):]
		at := len(to.out)
		to.out = append(append(append(to.out, 0, 0), to.head...), frame[2+len(to.head):]...)
		message := to.out[at+2:]
		copy(message[countAt:], frame[2+countAt:][:2])
		message = to.sig.sign(message)
		to.out = append(to.out[:at+2], message...)
		binary.BigEndian.PutUint16(to.out[at:], uint16(len(message)))
		if len(to.out) >= fullOut {
			if err := to.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush sends what there is. A client that does not read holds up nothing but its
// own transfer, and not for ever.
func (to *courier) flush() error {
	_ = to.c.conn.SetWriteDeadline(time.Now().Add(to.c.idle))
	_, err := to.c.conn.Write(to.out)
	to.out = to.out[:0]
	return err
}
