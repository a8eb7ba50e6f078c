package tui

import (
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	tea "github.com/charmbracelet/bubbletea"
)

// KilledError says which signal has ended the screen.
type KilledError struct{ Signal syscall.Signal }

func (e *KilledError) Error() string { return "ended by a signal: " + e.Signal.String() }

// deadly are the signals that end a program, after the terminal has been restored.
var deadly = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM}

// untilSignalled shows a model until it ends by itself, or a signal ends it. While
// the program is suspended signals do what they do to any program: the terminal has
// been given back already, and a program in the background would be stopped again
// if it touched it. While something else has the terminal (elsewhere), SIGINT is
// meant for that.
func untilSignalled(model *painted, begin func(*tea.Program), elsewhere func() bool) error {
	came := make(chan os.Signal, 1)
	signal.Notify(came, deadly...)
	defer signal.Stop(came)
	suspended := func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch msg.(type) {
		case tea.SuspendMsg:
			signal.Reset(deadly...)
		case tea.ResumeMsg:
			signal.Notify(came, deadly...)
		}
		return msg
	}
	program := tea.NewProgram(model, append(model.options(), tea.WithAltScreen(), tea.WithoutSignalHandler(), tea.WithFilter(suspended))...)
	begin(program)

	var by atomic.Pointer[syscall.Signal]
	over := make(chan struct{})
	go func() {
		for {
			select {
			case <-over:
				return
			case s := <-came:
				if sig, ok := s.(syscall.Signal); ok && !(sig == syscall.SIGINT && elsewhere()) {
					by.CompareAndSwap(nil, &sig)
					program.Quit()
				}
			}
		}
	}()
	_, err := program.Run()
	close(over)
	if sig := by.Load(); sig != nil {
		return &KilledError{*sig}
	}
	if errors.Is(err, syscall.EIO) { // the terminal has gone before its signal came
		return &KilledError{syscall.SIGHUP}
	}
	return err
}
