using System.CommandLine;

namespace Hive.Cli.Tickets;

internal static class TicketsVerbs
{
    public static Command[] All() => [Tickets(), BoardVerb.Create()];

    private static Command Tickets()
    {
        var ticket = ListTicketsVerb.Create("ticket", "List, make, load, move, block, approve and delete tickets.");
        foreach (var verb in Verbs())
            ticket.Subcommands.Add(verb);
        return ticket;
    }

    private static Command[] Verbs() =>
        [
            ListTicketsVerb.Create("list", "List the tickets, the newest first."),
            ShowTicketVerb.Create(),
            CreateTicketVerb.Create(),
            CreateTicketVerb.Load(),
            .. ChangeTicketVerb.All(),
        ];
}
