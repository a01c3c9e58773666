package listing

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Day is 24 hours: lives are counted in it, whatever the calendar does.
const Day = 24 * time.Hour

// Life is a duration as operators write it: Go's units, and d and w before
// them: "3d", "1w2d", "72h", "1d12h". It is positive and of whole seconds.
type Life time.Duration

// ParseLife reads a life.
func ParseLife(text string) (Life, error) {
	bad := &Error{Kind: ErrInvalid, Code: "bad-duration",
		Message: fmt.Sprintf("%s is not a duration", Quote(text)),
		Hint:    "write it like 90m, 72h, 3d or 1w"}
	rest, total := strings.TrimSpace(text), time.Duration(0)
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * Day}, {"d", Day}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, bad
		}
		total += time.Duration(n) * unit.length
		rest = after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || d < 0 {
			return 0, bad
		}
		total += d
	}
	if total < time.Second {
		return 0, bad
	}
	return Life(total.Truncate(time.Second)), nil
}

// Duration is the life in Go's own unit.
func (l Life) Duration() time.Duration { return time.Duration(l) }

// String writes the life as ParseLife reads it, the largest unit first.
func (l Life) String() string {
	d := time.Duration(l)
	var b strings.Builder
	if days := d / Day; days > 0 {
		fmt.Fprintf(&b, "%dd", days)
		d -= days * Day
	}
	for _, u := range []struct {
		letter string
		length time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.length; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.letter)
			d -= n * u.length
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}

// MarshalText writes the life as String does, the zero life as nothing.
func (l Life) MarshalText() ([]byte, error) {
	if l == 0 {
		return nil, nil
	}
	return []byte(l.String()), nil
}

// UnmarshalText reads what ParseLife reads; nothing is the zero life.
func (l *Life) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = 0
		return nil
	}
	v, err := ParseLife(string(text))
	*l = v
	return err
}
