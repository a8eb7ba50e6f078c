package tui

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"ringside/kernel"
	"ringside/sim"
)

// The inspector: every field of an object, with what it is called in Linux and
// what it is for. What is shown is data: the tables in fields.go.

// fieldRow describes a field of an object.
type fieldRow struct {
	path  string  // its name in the model, or a path (SE.Vruntime)
	linux string  // its name in Linux
	doc   string  // what it is, one sentence
	link  refKind // what kind of object its number is
	show  func(m *kernel.Machine, v reflect.Value) string
}

// kindTable describes a kind of object.
type kindTable struct {
	linux string // the structure in Linux
	doc   string
	len   func(m *kernel.Machine) int
	get   func(m *kernel.Machine, id int32) reflect.Value // the structure
	rows  []fieldRow
	more  func(s *scene, id int32) []pageRow // what is not a field: lists
}

// value reads a field of an object; false if the machine had no such object.
func (k *kindTable) value(m *kernel.Machine, id int32, row *fieldRow) (v reflect.Value, text string, ok bool) {
	if int(id) >= k.len(m) {
		return v, "", false
	}
	v = k.get(m, id)
	for _, name := range strings.Split(row.path, ".") {
		v = reflect.Indirect(v.FieldByName(name))
	}
	switch {
	case row.show != nil:
		return v, row.show(m, v), true
	case row.link != refNone && number(v) < 0:
		return v, "none", true
	}
	return v, showValue(v), true
}

// showValue writes a value as people read it.
func showValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case sim.Time:
		return x.String()
	case kernel.SockAddr:
		return x.String()
	case string:
		return kernel.Printable(x)
	case kernel.TaskState:
		return x.Letter()
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return "yes"
		}
		return "no"
	case reflect.Slice, reflect.Array:
		return fmt.Sprint(v.Len())
	}
	return fmt.Sprint(v.Interface())
}

// number is a value that is a number of any size.
func number(v reflect.Value) int64 {
	if v.CanInt() {
		return v.Int()
	}
	return int64(v.Uint())
}

// Ways to write a value.

func hex(_ *kernel.Machine, v reflect.Value) string { return fmt.Sprintf("%#x", v.Uint()) }

func eventMask(_ *kernel.Machine, v reflect.Value) string {
	mask := uint32(v.Uint())
	var names []string
	for _, e := range eventNames {
		if mask&e.bit != 0 {
			names = append(names, "EPOLL"+e.name)
		}
	}
	for _, e := range []struct {
		bit  uint32
		name string
	}{{kernel.EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"}, {kernel.EPOLLONESHOT, "EPOLLONESHOT"}, {kernel.EPOLLET, "EPOLLET"}} {
		if mask&e.bit != 0 {
			names = append(names, e.name)
		}
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}

// countedFrom1 is for numbers that are stored plus one, so that 0 is none.
func countedFrom1(what string) func(*kernel.Machine, reflect.Value) string {
	return func(_ *kernel.Machine, v reflect.Value) string {
		n := number(v)
		if n == 0 {
			return "none"
		}
		return fmt.Sprintf("%s%d", what, n-1)
	}
}

func nothing(text string) func(*kernel.Machine, reflect.Value) string {
	return func(_ *kernel.Machine, v reflect.Value) string {
		if v.IsZero() {
			return text
		}
		return showValue(v)
	}
}

// inspect opens the page of an object.
func (a *app) inspect(x ref) {
	a.openPage(inspectorPage(a, x))
}

func inspectorPage(a *app, x ref) page {
	s, k := a.scene, &kindTables[x.kind]
	p := page{title: s.name(x) + "  " + k.linux, sel: -1}
	p.rows = append(a.say(k.doc), pageRow{})
	names, values := 0, 0
	texts := make([]string, len(k.rows))
	for i := range k.rows {
		_, texts[i], _ = k.value(s.m, x.id, &k.rows[i])
		if link, ok := s.linkOf(x, &k.rows[i]); ok {
			texts[i] = s.name(link)
		}
		names, values = max(names, len(k.rows[i].linux)), max(values, textWidth(texts[i], false))
	}
	values = min(values, max(a.w/4, 16))
	for i := range k.rows {
		row := &k.rows[i]
		_, was, had := k.value(s.was, x.id, row)
		_, now, _ := k.value(s.m, x.id, row)
		r := pageRow{mark: !had || was != now}
		text := texts[i]
		if had && was != now && row.link == refNone {
			text = was + " > " + now
		}
		if link, ok := s.linkOf(x, row); ok {
			r.open = func(a *app) { a.inspect(link) }
		}
		doc := fold(a.w-names-values-8, row.doc)
		r.text = pad(row.linux, names) + "  " + text
		if textWidth(text, false) <= values {
			r.text = pad(row.linux, names) + "  " + pad(text, values) + "  " + doc[0]
			doc = doc[1:]
		}
		p.rows = append(p.rows, r)
		for _, more := range doc {
			p.rows = append(p.rows, pageRow{text: pad("", names+values+4) + more})
		}
	}
	if k.more != nil {
		p.rows = append(p.rows, k.more(s, x.id)...)
	}
	return p
}

// linkOf is the object that a field of another leads to.
func (s *scene) linkOf(x ref, row *fieldRow) (ref, bool) {
	if row.link == refNone {
		return ref{}, false
	}
	v, _, _ := kindTables[x.kind].value(s.m, x.id, row)
	to := ref{row.link, int32(number(v))}
	if row.link == refFile && to.id >= 0 && x.kind != refTask {
		if target := fileRef(s.m, to.id); target.kind != refNone && target != x {
			to = target
		}
	}
	return to, to.id >= 0 && int(to.id) < kindTables[to.kind].len(s.m)
}

// linkRow is a row that leads to an object.
func (s *scene) linkRow(x ref) pageRow {
	return pageRow{text: "  " + s.name(x), open: func(a *app) { a.inspect(x) }}
}

// panelRefs are the objects that a panel shows, to be chosen with the arrow keys.
func (s *scene) panelRefs(id panelID) []ref {
	var list []ref
	add := func(x ref) {
		if x.id >= 0 && !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	switch id {
	case panelHardware, panelIRQ:
		for i := range s.m.Cores {
			add(ref{refAPIC, int32(i)})
		}
		for i := range hasIOAPIC(s.m) * b2i(hasLine(s.m)) {
			add(ref{refIOAPIC, int32(i)})
			add(ref{refRedir, kernel.LineIRQ})
		}
		for i := range hasPICs(s.m) {
			add(ref{refPIC, int32(i)})
		}
		for i := range s.m.Napis {
			add(ref{refNapi, int32(i)})
		}
	case panelCPU, panelStacks, panelTime:
		for i := range s.m.Cores {
			add(ref{refCore, int32(i)})
			add(ref{refTask, s.m.CPUs[i].Current})
			add(ref{refAPIC, int32(i)})
		}
	case panelNet:
		if skb := shownSkb(s); skb != kernel.None {
			add(ref{refSkb, skb})
		}
		for _, at := range s.objects.others {
			add(s.objects.list[at].ref())
		}
	case panelEpoll:
		s.epollRefs(add)
	case panelTasks:
		for i := range s.m.Tasks {
			add(ref{refTask, int32(i)})
		}
	case panelProgram:
		for i := range s.m.Config.Threads {
			add(ref{refTask, taskOf(s.m, i)})
		}
	}
	if s.rec != nil && len(list) == 0 {
		if x, ok := s.recordRef(s.rec); ok {
			add(x)
		}
	}
	return list
}

// epollRefs are the instances, each with its items, and the queues that somebody
// waits on.
func (s *scene) epollRefs(add func(ref)) {
	for _, at := range s.objects.eps {
		ep := s.objects.list[at].id
		add(ref{refEp, ep})
		for i := s.m.Eps[ep].Items; i != kernel.None; i = s.m.Epis[i].NextItem {
			add(ref{refEpi, i})
		}
	}
	for _, at := range s.objects.waited {
		for _, q := range s.objects.list[at].queues(s.m) {
			if q.id != kernel.None && s.m.Queues[q.id].First != kernel.None {
				add(ref{refQueue, q.id})
			}
		}
	}
}

func (x *object) ref() ref { return ref{fileRefs[x.kind], x.id} }

// chosen is the object that is chosen in the focused panel.
func (a *app) chosen() (ref, bool) {
	if a.focus == noPanel || a.choice.kind == refNone || !slices.Contains(a.scene.panelRefs(a.focus), a.choice) {
		return ref{}, false
	}
	return a.choice, true
}

// choose goes to the next object of the focused panel.
func (a *app) choose(dir int) {
	if a.focus == noPanel {
		a.message = "focus a panel first: 1-9, 0 or Tab; then up and down choose an object"
		return
	}
	list := a.scene.panelRefs(a.focus)
	if len(list) == 0 {
		a.message = "there is nothing to choose in this panel"
		return
	}
	i := slices.Index(list, a.choice)
	switch {
	case i < 0 && dir < 0:
		i = len(list) - 1
	case i < 0:
		i = 0
	default:
		i = (i + dir + len(list)) % len(list)
	}
	a.choice = list[i]
	if a.focus == panelProgram {
		a.scene.thread = int(a.scene.m.Tasks[a.choice.id].Thread)
	}
	a.message = fmt.Sprintf("%s (%d of %d): Enter looks into it, f follows it", a.scene.name(a.choice), i+1, len(list))
}

// openChosen looks into the chosen object, or zooms the focused panel.
func (a *app) openChosen() {
	if x, ok := a.chosen(); ok {
		a.inspect(x)
		return
	}
	a.toggleZoom()
}

// inspectPrompt looks into what a command names; without a name, into the chosen
// object, or else into what the record has touched.
func (a *app) inspectPrompt(name string) tea.Cmd {
	s := a.scene
	if name != "" {
		if x, ok := s.refNamed(strings.ToLower(name)); ok {
			a.inspect(x)
		} else {
			a.message = "no object is called " + name + ` (try: fd 3, socket 0, skb 0, wait queue 1, cpu 0, a task's name)`
		}
		return nil
	}
	if x, ok := a.chosen(); ok {
		a.inspect(x)
		return nil
	}
	a.openPage(objectsPage(a))
	return nil
}

// refNamed finds an object that exists by its name.
func (s *scene) refNamed(name string) (ref, bool) {
	if id := taskNamed(s.m, strings.TrimPrefix(name, "task ")); id != kernel.None {
		return ref{refTask, id}, true
	}
	kind, id := "", int32(0)
	i := strings.LastIndexByte(name, ' ')
	if i < 0 {
		return ref{}, false
	}
	if kind = name[:i]; kind == "cpu" {
		kind = "core"
	}
	if _, err := fmt.Sscanf(name[i:], "%d", &id); err != nil || id < 0 {
		return ref{}, false
	}
	if kind == "fd" {
		for p := range s.m.Procs {
			if fds := s.m.Procs[p].FDs; int(id) < len(fds) && fds[id] != kernel.None && fileRef(s.m, fds[id]).kind != refNone {
				return fileRef(s.m, fds[id]), true
			}
		}
		return ref{}, false
	}
	k := slices.Index(refNames[:], kind)
	if k <= 0 || int(id) >= kindTables[k].len(s.m) {
		return ref{}, false
	}
	return ref{refKind(k), id}, true
}

// objectsPage lists what can be looked into, what the record touched first.
func objectsPage(a *app) page {
	s := a.scene
	p := page{title: "OBJECTS", sel: -1}
	seen := map[ref]bool{}
	if s.rec != nil {
		if x, ok := s.recordRef(s.rec); ok {
			p.rows = append(p.rows, head("this record touched"), s.linkRow(x))
		}
	}
	for _, part := range []struct {
		title string
		panel panelID
	}{{"packets, sockets, files", panelNet}, {"epoll and wait queues", panelEpoll}, {"tasks", panelTasks}, {"cores and their interrupt controllers", panelCPU}, {"interrupt controllers and receive queues", panelHardware}} {
		p.rows = append(p.rows, head(part.title))
		list := slices.DeleteFunc(s.panelRefs(part.panel), func(x ref) bool { return seen[x] })
		const most = 200
		for _, x := range list[:min(len(list), most)] {
			seen[x] = true
			p.rows = append(p.rows, s.linkRow(x))
		}
		switch {
		case len(list) == 0:
			p.rows = append(p.rows, pageRow{text: "  none"})
		case len(list) > most:
			p.rows = append(p.rows, pageRow{text: fmt.Sprintf("  and %d more: :inspect fd N", len(list)-most)})
		}
	}
	return p
}
