package feed

// postfixWriter writes a table for check_client_access cidr:FILE (Postfix,
// cidr_table(5) and access(5)). The first line that matches counts, so what is
// inside another prefix comes before it, exceptions too.
type postfixWriter struct{ out *output }

func newPostfixWriter(o *output) (encoder, error) {
	o.printf("# For Postfix: check_client_access cidr:FILE\n")
	return newSweep(o, visitor{leave: (&postfixWriter{o}).leave}), nil
}

func (w *postfixWriter) leave(n, parent *node) error {
	switch {
	case n.isListed():
		if win := &n.wins[0]; !parent.isListed() || parent.wins[0] != *win {
			w.out.printf("%s REJECT 5.7.1 %s\n", n.subject, w.out.txt(win.Reason, win.Subject, win.Text))
		}
	case parent.isListed():
		w.out.printf("%s DUNNO\n", n.subject)
	}
	return nil
}
