using System.CommandLine;

namespace Hive.Cli.Messages;

internal static class MessagesVerbs
{
    public static Command[] All() =>
        [
            SendVerb.Create(),
            InboxVerb.Create(),
            HistoryVerb.Create(),
            ParkedVerb.Create(),
            ParkedVerb.Act("retry", "Deliver failed messages again at once.", "retry_message", ParkedVerb.Retried),
            ParkedVerb.Act("drop", "Drop failed messages; nobody receives them.", "drop_message", ParkedVerb.Dropped),
        ];
}
