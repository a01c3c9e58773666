package db

import (
	"context"
	"slices"
	"sync"

	"dnsbld/listing"
)

// job is one request on its way to the writer.
type job struct {
	ctx     context.Context
	request *listing.Request
	raw     []byte    // the canonical request
	content *contents // of Replace, else nil
	plan    *plan

	verdict listing.Verdict
	err     error
	done    chan struct{}
}

// alone reports whether the job has a transaction to itself: what fails of a
// large one must not take small ones with it.
func (j *job) alone() bool { return j.content != nil }

// release gives back what the job was worked out with.
func (j *job) release() {
	if j.content != nil {
		j.content.close()
	}
}

func (j *job) finish(err error) {
	j.release()
	if err != nil {
		j.verdict, j.err = listing.Verdict{}, err
	}
	close(j.done)
}

// queue holds the jobs that wait, in order.
type queue struct {
	mu     sync.Mutex
	jobs   []*job
	closed bool
	wake   chan struct{} // holds one token while there may be something to do
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) add(j *job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return errClosed()
	}
	q.jobs = append(q.jobs, j)
	q.signal()
	return nil
}

// signal wakes the writer, who looks at everything when it wakes: one token is
// enough.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// Limits of one transaction: nobody waits for more than these before him.
const (
	mostJobs  = 256
	mostBytes = 8 << 20 // of requests
)

// take waits for jobs and gives those that one transaction can decide; none
// when the queue is closed and empty.
func (q *queue) take() []*job {
	for {
		q.mu.Lock()
		if len(q.jobs) > 0 {
			n := q.batch()
			batch := slices.Clone(q.jobs[:n])
			q.jobs = slices.Delete(q.jobs, 0, n) // which forgets them: an import is large
			q.mu.Unlock()
			return batch
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil
		}
		<-q.wake
	}
}

// batch is how many of the first jobs go together.
func (q *queue) batch() int {
	bytes := 0
	for n, j := range q.jobs {
		bytes += len(j.raw)
		if n > 0 && (n == mostJobs || bytes > mostBytes || j.alone()) {
			return n
		}
		if j.alone() {
			return 1
		}
	}
	return len(q.jobs)
}

// news wakes those who wait for a commit.
type news struct {
	mu     sync.Mutex
	next   chan struct{} // closed by the next commit
	closed chan struct{}
}

func newNews() *news { return &news{next: make(chan struct{}), closed: make(chan struct{})} }

// wait is closed when something has been committed after the call.
func (n *news) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.next
}

// committed wakes them.
func (n *news) committed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.next)
	n.next = make(chan struct{})
}

// close tells them that there will be no more.
func (n *news) close() { close(n.closed) }
