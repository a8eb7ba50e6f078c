package kernel

import (
	"fmt"

	"ringside/cpu"
)

// Numbers of the functions. The rows are in the tables of their subjects' files.
const (
	fnNone cpu.CodeID = iota
	fnInterruptDelivery

	// Outside any core: the card, the world, the controllers.
	fnWire
	fnMACFilter
	fnRSS
	fnFetch
	fnTLP
	fnPosted
	fnFIFO
	fnDMA
	fnWriteBack
	fnModeration
	fnMSI
	fnCardDrop
	fnTxDMA
	fnTxOut
	fnRemote
	fnRemoteTimer
	fnRemoteResend
	fnRemoteProbe
	fnRemoteAnswer
	fnLocalAPIC
	fnPin
	fnUSB
	fnIOAPIC
	fnIOAPICEOI
	fnPIC
	fnIPI
	fnTimerExpiry
	fnThreadStart

	// Ring 3.
	fnSyscallWrapper
	fnCompute

	// Ways into ring 0 and out (arch/x86/entry).
	fnEntrySyscall
	fnDoSyscall64
	fnAsmInt80
	fnDoInt80
	fnExitToUserModeLoop
	fnAsmCommonInterrupt
	fnCommonInterrupt
	fnCommonInterruptIRQ // __common_interrupt
	fnAsmSysvecTimer
	fnSysvecTimer
	fnSysvecTimerIRQ // __sysvec_apic_timer_interrupt
	fnAsmSysvecResched
	fnSysvecResched
	fnAsmSysvecCallSingle
	fnSysvecCallSingle
	fnGenericSMPCall
	fnAsmSysvecSpurious
	fnSysvecSpurious
	fnHandleSpurious
	fnIRQExit // the last of the interrupt entries: see interruptEntry
	fnRetFromForkAsm
	fnRetFromFork

	// Interrupt core (kernel/irq).
	fnHandleEdgeIRQ
	fnHandleIRQEvent
	fnHandleIRQEventPercpu
	fnHandleFasteoiIRQ
	fnHandleLevelIRQ
	fnMaskAck8259A
	fnEnable8259A

	// Softirq and NAPI.
	fnHandleSoftirqs
	fnNetRxAction
	fnUpdateProcessTimes
	fnRunTimerSoftirq
	fnRunTimers // __run_timers
	fnNAPIPoll  // __napi_poll
	fnNAPISchedule
	fnNAPICompleteDone
	fnE1000Intr
	fnE1000IntrMSI
	fnE1000IntrPin // e1000_intr
	fnUSBHcdIRQ
	fnUHCIIRQ
	fnE1000Poll
	fnE1000CleanRx
	fnE1000AllocRx
	fnE1000SetITR
	fnKthread
	fnSmpbootThreadFn
	fnRunKsoftirqd

	// Receive path.
	fnNAPIGROReceive
	fnNetifReceiveListInternal
	fnNetifReceiveListCore
	fnNetifReceiveCore
	fnIPListRcv
	fnIPRcvCore
	fnIPSublistRcv
	fnIPSublistRcvFinish
	fnIPLocalDeliver
	fnIPLocalDeliverFinish
	fnIPProtocolDeliver
	fnICMPSend
	fnICMPRcv
	fnICMPUnreach
	fnUDPErr
	fnSockDefErrorReport
	fnUDPRcv
	fnUDP4LibRcv
	fnUDPUnicastRcvSkb
	fnUDPQueueRcvSkb
	fnUDPQueueRcvOneSkb
	fnUDPEnqueueScheduleSkb
	fnSockDefReadable
	fnSockDefWakeup

	// Wait queues and wakeups.
	fnWakeUpSyncKey
	fnWakeUpSync
	fnWakeUp
	fnWakeUpCommonLock
	fnWakeUpCommon
	fnReceiverWake
	fnAutoremoveWake
	fnEpAutoremoveWake
	fnDefaultWake
	fnEntryWake
	fnTryToWakeUp
	fnTtwuDoActivate
	fnTtwuDoWakeup
	fnTtwuQueueWakelist
	fnSchedTtwuPending
	fnWakeUpProcess

	// Scheduler.
	fnSchedule
	fnSchedBalanceNewidle
	fnPullRTTask
	fnScheduleInner // __schedule
	fnContextSwitch
	fnSecondaryStartup
	fnStartKernel
	fnRestInit
	fnStartSecondary
	fnCpuStartupEntry
	fnDoIdle
	fnDefaultIdleCall
	fnSafeHalt
	fnScheduleIdle

	// Timers.
	fnHrtimerInterrupt
	fnHrtimerWakeup
	fnTickNohzHandler
	fnSchedTick
	fnHrtimerNanosleep
	fnDoNanosleep
	fnScheduleHrtimeoutRange
	fnScheduleHrtimeoutRangeClock
	fnScheduleTimeout

	// epoll.
	fnSysEpollCreate1
	fnSysEpollCreate
	fnSysEpollCtl
	fnDoEpollCtl
	fnEpInsert
	fnEpRemove
	fnEpModify
	fnEpItemPoll
	fnSockPoll
	fnUDPPoll
	fnDatagramPoll
	fnEpPtableQueueProc
	fnEpPollCallback
	fnEpPollSafewake
	fnEpEventpollPoll
	fnEpEventpollRelease
	fnSysEpollWait
	fnSysEpollPwait
	fnSysEpollPwait2
	fnDoEpollWait
	fnEpPoll
	fnEpSendEvents
	fnEpDoneScan

	// Descriptors and files.
	fnSysClose
	fnSysDup
	fnSysDup2
	fnFput
	fnTaskWorkRun
	fnEventpollRelease
	fnSysFcntl
	fnSysRead
	fnKsysRead
	fnVfsRead
	fnSysWrite
	fnKsysWrite
	fnVfsWrite
	fnReadNull
	fnWriteNull

	// Sockets.
	fnSysSocket
	fnSysBind
	fnSysConnect
	fnSysConnectInner // __sys_connect
	fnSysListen
	fnSysAccept
	fnSysAccept4
	fnSysShutdown
	fnSysSetsockopt
	fnSysGetsockopt
	fnSysSendto
	fnSysSendtoInner // __sys_sendto
	fnSysRecvfrom
	fnSysRecvfromInner // __sys_recvfrom
	fnSockReadIter
	fnSockWriteIter
	fnSockRecvmsg
	fnInetRecvmsg
	fnSockClose
	fnInetBind

	// UDP sockets.
	fnUDPRecvmsg
	fnSkbRecvUDP
	fnSkbWaitForMore
	fnSkbConsumeUDP
	fnUDPSendmsg
	fnUDPSendSkb
	fnSockDefWriteSpace
	fnUDPConnect
	fnUDPShutdown
	fnUDPRelease

	// TCP.
	fnLockSock
	fnReleaseSock
	fnReleaseSockInner // __release_sock
	fnTCPAddBacklog
	fnWaitWoken
	fnWokenWake
	fnInetListen
	fnInetAccept
	fnInetCskAccept
	fnInetCskWait
	fnTCPConnRequest
	fnTCPSendSynack
	fnTCPCheckReq
	fnTCPSynRecvSock
	fnTCPChildProcess
	fnInetCskListenStop
	fnInetStreamConnect
	fnInetStreamConnectInner // __inet_stream_connect
	fnTCPv4Connect
	fnTCPConnect
	fnInetWaitConnect
	fnTCPPushPending
	fnTCPWriteXmit
	fnTCPTransmit
	fnIPQueueXmit
	fnTCPSendAck
	fnTCPAckSndCheck
	fnTCPSendDelayedAck
	fnTCPDelackTimer
	fnTCPDelackTimerHandler
	fnTCPReleaseCb
	fnTCPSendFin
	fnTCPSendReset
	fnTCPActiveReset
	fnTCPv4SendAck
	fnTCPv4Rcv
	fnTCPTimeWaitRcv
	fnTCPv4DoRcv
	fnTCPRcvEstablished
	fnTCPRcvState
	fnTCPAck
	fnTCPDataQueue
	fnTCPFin
	fnTCPReset
	fnTCPTimeWait
	fnTCPSendmsg
	fnTCPSendmsgLocked
	fnStreamWaitConnect
	fnStreamWaitMemory
	fnTCPSetsockopt
	fnTCPGetsockopt
	fnStreamWriteSpace
	fnTCPRecvmsg
	fnTCPRecvmsgLocked
	fnSkWaitData
	fnTCPCleanupRbuf
	fnTCPInetShutdown
	fnTCPShutdown
	fnTCPDisconnect
	fnInetRelease
	fnTCPClose
	fnTCPCloseInner // __tcp_close
	fnTCPPoll
	fnTCPWriteTimer
	fnTCPWriteTimerHandler
	fnTCPRetransmitTimer
	fnTCPRetransmitSkb
	fnTCPWriteErr
	fnTCPProbeTimer
	fnTCPSendProbe0
	fnTCPXmitProbe
	fnReqskTimer

	// The way out, and the backlog.
	fnIPSendSkb
	fnIPOutput
	fnIPFinishOutput2
	fnDevQueueXmit
	fnLoopbackXmit
	fnE1000Xmit
	fnNetifRx
	fnNAPIScheduleRPS
	fnLocalBHEnable
	fnDoSoftirq
	fnProcessBacklog
	fnNetifReceiveOneCore
	fnIPRcv

	// Poll.
	fnSysPoll
	fnSysPpoll
	fnDoSysPoll
	fnDoPoll
	fnDoPollfd
	fnVfsPoll
	fnPollScheduleTimeout
	fnPollFreewait
	fnPollwait
	fnPollwake

	// Select.
	fnSysSelect
	fnKernSelect
	fnCoreSysSelect
	fnDoSelect
	fnSelectPollOne

	// Pipes.
	fnSysPipe2
	fnDoPipe2
	fnPipeRead
	fnPipeWrite
	fnPipePoll
	fnPipeRelease
	fnPipeFcntl

	// Event descriptors, timers, files in memory.
	fnSysEventfd2
	fnDoEventfd
	fnEventfdRead
	fnEventfdWrite
	fnEventfdPoll
	fnEventfdRelease
	fnDoWaitIntrIRQ
	fnSysTimerfdCreate
	fnSysTimerfdSettime
	fnDoTimerfdSettime
	fnTimerfdTmrproc
	fnTimerfdRead
	fnTimerfdPoll
	fnTimerfdRelease
	fnSysMemfdCreate
	fnShmemRead
	fnShmemWrite
	fnShmemRelease

	// Sockets of one host.
	fnSysSocketpair
	fnSysSocketpairInner // __sys_socketpair
	fnUnixBind
	fnUnixStreamConnect
	fnUnixDgramConnect
	fnUnixListen
	fnUnixAccept
	fnUnixShutdown
	fnUnixRelease
	fnUnixPoll
	fnUnixDgramPoll
	fnSockAllocSendPskb
	fnSockWaitForWmem
	fnSockWfree
	fnUnixWriteSpace
	fnUnixStreamSendmsg
	fnUnixStreamRecvmsg
	fnUnixStreamRead
	fnUnixStreamDataWait
	fnUnixDgramSendmsg
	fnUnixDgramRecvmsg

	// Signals.
	fnSysRtSigaction
	fnSysTgkill
	fnDoSendSigInfo
	fnSendSignal
	fnSignalWakeUp
	fnArchDoSignal
	fnDoGroupExit
	fnSysRtSigreturn
	fnSigHandler
	fnRestoreRT

	// Exceptions.
	fnCli
	fnHlt
	fnUd2
	fnAsmExcDivideError
	fnAsmExcInvalidOp
	fnAsmExcGeneralProtection
	fnExcDivideError
	fnExcInvalidOp
	fnExcGeneralProtection

	// Memory accesses of programs, and page faults.
	fnLoad
	fnStore
	fnAsmExcPageFault
	fnExcPageFault
	fnDoUserAddrFault
	fnDoKernAddrFault
	fnHandleMmFault
	fnHandlePteFault
	fnDoAnonymousPage
	fnDoWpPage
	fnBadArea // __bad_area_nosemaphore
	fnForceSigFault
	fnFixupException

	// The director.
	fnDirectorStop
	fnDirectorGo

	// Processes and time.
	fnSysNanosleep
	fnSysSchedYield
	fnSysGetpid
	fnSysGettid
	fnSysExit
	fnDoExit
	fnSysNi

	// arm64 (arch/arm64/kernel).
	fnEl0SyncHandler
	fnEl0Svc
	fnDoEl0Svc
	fnEl0SvcCommon
	fnInvokeSyscall
	fnEl0Irq // the first of the interrupt entries: see interruptEntry
	fnEl1Irq
	fnEl0IrqHandler
	fnEl1IrqHandler
	fnEl0Interrupt
	fnEl1Interrupt
	fnDoInterruptHandler
	fnCallOnIRQStack
	fnGICHandleIRQ
	fnGICDomainIRQ   // generic_handle_domain_irq
	fnPercpuDevidIRQ // handle_percpu_devid_irq
	fnPrimarySwitched
	fnNtWriteFile // Windows
	fnNtClose
	fnNtTerminateThread
	fnPrint
	fnSysDup3
	fnSysPselect6
	fnDoPselect
	// Sent packets.
	fnE1000IntrTx
	fnE1000CleanTx
	fnNetTxAction

	// A driver in ring 3.
	fnRxBurst
	fnRxBurstTail

	// Busy polling.
	fnNAPIBusyLoop
	fnBusyPollStop
	fnEpBusyLoop

	// GRO.
	fnDevGROReceive
	fnTCP4GROReceive
	fnNAPIGROComplete

	// A driver without NAPI.
	fnE1000IntrRx
	fnE1000CleanRxIRQ
	fnNetifRxIRQ

	// arm64: exceptions that are no interrupts.
	fnUdf
	fnEl0Da
	fnEl0Undef
	fnEl1Sync
	fnEl1SyncHandler
	fnEl1Abort
	fnDoMemAbort
	fnDoTranslationFault
	fnDoPageFault
	fnDoBadArea
	fnDoKernelFault // __do_kernel_fault
	fnDoEl0Undef
	fnForceSignalInject
	fnArm64ForceSigFault

	// The IOMMU.
	fnIOTLB
	fnIOWalk
	fnIOFault
	fnDmaMapPage
	fnDmaUnmapPage
	fnQIFlushIOTLB

	fnWriteMsgMSIX // pci_write_msg_msix

	fnUserBase // the functions of thread programs follow
)

// text is a table of functions.
type text map[cpu.CodeID]code

// kernelText joins the tables of all subjects.
func (im *Image) kernelText() []code {
	codes := make([]code, fnUserBase)
	codes[fnNone] = code{Name: "(none)"}
	codes[fnInterruptDelivery] = cpu.InterruptEntry[*Machine](StIDT)
	for _, t := range []text{
		deviceText,
		userText,
		entryText,
		int80Text,
		irqText,
		i8259Text,
		lineText,
		uhciText,
		e1000IntrText,
		softirqText,
		napiText,
		netText,
		udpText,
		waitText,
		wakeupText,
		schedText,
		balanceText,
		idleText,
		timerText,
		timerWheelText,
		epollText,
		epollNestText,
		fdText,
		readWriteText,
		tcpLockText,
		tcpListenText,
		tcpConnectText,
		tcpOutputText,
		tcpInputText,
		tcpSockText,
		tcpCloseText,
		tcpPollText,
		tcpTimerText,
		tcpAckText,
		tcpProbeText,
		socketText,
		inetText,
		udpSockText,
		ipOutputText,
		backlogText,
		pollText,
		selectText,
		signalText,
		directorText,
		processText,
		pipeText,
		eventfdText,
		timerfdText,
		memfdText,
		unixText,
		unixStreamText,
		unixDgramText,
		icmpText,
		sockoptText,
		transmitText,
		remoteText,
		faultText,
		trapsText,
		armText,
		armFaultText,
		ntText,
		libraryText,
		substituteText,
		itrText,
		netifRxText,
		groText,
		busyPollText,
		uioText,
		iommuText,
		affinityText,
	} {
		for id, c := range t {
			if codes[id].Name != "" {
				panic(fmt.Sprintf("two rows for %s and %s", codes[id].Name, c.Name))
			}
			codes[id] = c
		}
	}
	for id := range codes {
		if codes[id].Name == "" {
			panic(fmt.Sprintf("no row for function %d", id))
		}
		codes[id].Base = kernelBase + uint64(id)*codeStride
		if codes[id].Ring == 3 {
			codes[id].Base = libraryBase + uint64(id)*codeStride
		}
	}
	im.abiText(codes)
	return codes
}

// Where functions lie in memory, so that RIP names one.
const (
	kernelBase  = 0xffffffff81000000
	userBase    = 0x0000000000401000
	libraryBase = 0x00007f8000000000
	codeStride  = 0x400
)
