namespace Hive.Protocol;

/// <summary>The limits that a client can reach (docs/protocol.md).</summary>
public static class Limits
{
    /// <summary>Longest body of a message, question, answer or inline reminder, in bytes of UTF-8.</summary>
    public const int BodyBytes = 4096;

    /// <summary>Longest body the host itself writes into an inbox, in bytes of UTF-8.</summary>
    public const int HostBodyBytes = 16 * 1024;

    /// <summary>Longest request line on a socket, in bytes, without its newline.</summary>
    public const int LineBytes = 64 * 1024;

    /// <summary>Longest definition or list of tickets that is loaded, in bytes of UTF-8.</summary>
    public const int YamlBytes = 48 * 1024;

    /// <summary>Connections one socket serves at once.</summary>
    public const int ConnectionsPerSocket = 32;

    /// <summary>Longest agent name, in characters.</summary>
    public const int NameLength = 31;

    /// <summary>Longest name of a member in JSON that a caller composes, in characters.</summary>
    public const int MemberNameLength = 64;

    /// <summary>Longest status text of an agent, in bytes of UTF-8.</summary>
    public const int StatusBytes = 200;

    /// <summary>How long <c>recv</c> waits by default, in seconds.</summary>
    public const int DefaultWaitSeconds = 30;

    /// <summary>How long <c>recv</c> may wait, in seconds.</summary>
    public const int MaxWaitSeconds = 180;

    /// <summary>Most messages one <c>recv</c> leases.</summary>
    public const int MaxBatch = 32;

    /// <summary>How often a message may be nacked before it is parked.</summary>
    public const int NacksBeforeParking = 3;

    /// <summary>Messages of one sender for one recipient that are neither acknowledged nor dropped.</summary>
    public const int MessagesOfSender = 10_000;

    /// <summary>Bytes of those messages: 32 MiB.</summary>
    public const long BytesOfSender = 32 << 20;

    /// <summary>Such messages of all senders for one recipient, from which on
    /// <see cref="MessagesOfSenderWhenFull"/> counts.</summary>
    public const int WaitingMessages = 100_000;

    /// <summary>Bytes of those messages: 320 MiB.</summary>
    public const long WaitingBytes = 320 << 20;

    /// <summary>Messages of one sender for a recipient for whom very many wait.</summary>
    public const int MessagesOfSenderWhenFull = 1_000;

    /// <summary>Bytes of those messages: 4 MiB.</summary>
    public const long BytesOfSenderWhenFull = 4 << 20;

    /// <summary>Messages that one agent holds: received, and neither acknowledged nor returned.</summary>
    public const int LeasedMessages = 10_000;

    /// <summary>Most options of a question.</summary>
    public const int QuestionOptions = 10;

    /// <summary>Longest option of a question, in bytes of UTF-8.</summary>
    public const int OptionBytes = 200;

    /// <summary>How long a question with a time limit may wait, in seconds: 6 hours.</summary>
    public const int QuestionTtlSeconds = 6 * 60 * 60;

    /// <summary>The reason of a failed attempt in a message's log; a longer one is cut.</summary>
    public const int AttemptReasonBytes = 500;

    /// <summary>Most unanswered questions of one agent.</summary>
    public const int PendingQuestions = 50;

    /// <summary>Most undelivered reminders of one agent.</summary>
    public const int PendingReminders = 50;

    /// <summary>How far ahead a reminder may be due, in days.</summary>
    public const int ReminderDays = 366;

    /// <summary>How often the delivery of a reminder is tried before the operator has to act.</summary>
    public const int ReminderAttempts = 5;

    /// <summary>Most pending approvals at once.</summary>
    public const int PendingApprovals = 50;

    /// <summary>Longest path of a unix socket on Linux, in bytes (unix(7): sun_path holds 108 with the closing
    /// zero).</summary>
    public const int SocketPathBytes = 107;
}
