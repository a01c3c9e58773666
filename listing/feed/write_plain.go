package feed

// plainWriter writes one address or prefix a line, exceptions with a mark. Of
// reasons and sources it says nothing: what is listed for any stands.
type plainWriter struct {
	out  *output
	text []byte
}

func newPlainWriter(o *output) (encoder, error) {
	return newSweep(o, visitor{enter: (&plainWriter{out: o}).enter}), nil
}

func (w *plainWriter) enter(n, parent *node) error {
	switch {
	case n.listed && n.isListed():
		w.text = w.text[:0]
	case !n.isListed() && (n.except || parent.isListed()):
		w.text = append(w.text[:0], '!')
	default:
		return nil
	}
	if n.subject.IsHost() {
		w.text = n.subject.Addr().AppendTo(w.text)
	} else {
		w.text = n.subject.AppendTo(w.text)
	}
	w.text = append(w.text, '\n')
	_, err := w.out.Write(w.text)
	return err
}
