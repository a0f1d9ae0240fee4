namespace Hive.Features.Messages;

/// <summary>The kinds by which the history can be filtered; each message has one.</summary>
internal static class MessageKind
{
    /// <summary>The kinds, by sender and recipient.</summary>
    public static readonly IReadOnlyList<string> All = ["agents", "operator", "system", "reminders"];

    /// <summary>The kind of the message <c>m</c>.</summary>
    public const string Sql = """
        CASE WHEN m.sender = 'system' THEN 'system'
             WHEN m.sender = 'reminder' THEN 'reminders'
             WHEN m.sender = 'operator' OR m.recipient = 'operator' THEN 'operator'
             ELSE 'agents' END
        """;
}
