using System.CommandLine;

namespace Hive.Cli.Messages;

internal static class MessagesVerbs
{
    public static Command[] All() =>
        [SendVerb.Create(), InboxVerb.Create(), HistoryVerb.Create(), ParkedVerb.Create(), .. ParkedVerb.Older()];
}
