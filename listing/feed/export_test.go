package feed

// Lines is how many lines have been read.
func (r *Reader) Lines() int { return r.in.read }
