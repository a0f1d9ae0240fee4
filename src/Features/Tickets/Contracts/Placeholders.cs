using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Protocol;

namespace Hive.Features.Tickets.Contracts;

/// <summary>Fills the placeholders of a template with what a ticket says.</summary>
internal static partial class Placeholders
{
    /// <summary>The text with the ticket's title, priority, id and repository; in one pass, so that a title which
    /// contains a placeholder stays as it is.</summary>
    public static string Filled(string text, TicketEntry ticket) =>
        Placeholder()
            .Replace(
                text,
                match =>
                    match.Groups[1].Value switch
                    {
                        "title" => ticket.Title,
                        "priority" => Priorities.Word(ticket.Priority),
                        "id" => ticket.Id.ToString(CultureInfo.InvariantCulture),
                        _ => ticket.Repository ?? "",
                    }
            );

    [GeneratedRegex(@"\{ticket_(title|priority|id|repository)\}", RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();
}
