using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Tickets.V1;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Tickets;

/// <summary>Tickets: their way through the phases of a workflow, and the board on which they are seen.</summary>
internal sealed class TicketsModule : FeatureModule
{
    public TicketsModule()
    {
        Uses(nameof(Agents), nameof(StateFiles), nameof(Messages), nameof(Workflows));
        Schema<TicketsSchema>();
        Event<TicketCard>("ticket_changed", "ticket");
        Event<long>("ticket_removed", "id");
        Event<BoardColumnView>("column_changed", "column");
        Section<BoardSection>();
        Waiting<WaitingApprovals>();
        Waiting<WaitingBlocked>();
        Tool<CreateTicket.Command>(
            "create_ticket",
            "Make a ticket: work that goes through the phases of a workflow, with the tasks of each phase. You "
                + "receive 'ticket_done' when it has ended, and 'ticket_blocked' when it cannot go on.",
            Duty.Manager,
            noun: "ticket"
        );
        Tool<ChangeTicket.Command>(
            "change_ticket",
            "Change a ticket, all or nothing: its fields, its phase, its block, its links to other tickets, its "
                + "place in the column, or a comment.",
            Duty.Manager,
            ToolHints.Destructive,
            noun: "ticket"
        );
        Host<CreateTicket.Command>("ticket_create", noun: "ticket");
        Host<LoadTickets.Command>("tickets_load");
        Host<ChangeTicket.Command>("ticket_change", noun: "ticket");
        Host<MoveTicket.Command>("ticket_move", noun: "ticket");
        Host<ApproveTicket.Command>("ticket_approve", noun: "ticket");
        Host<RejectTicket.Command>("ticket_reject");
        Host<HoldTicket.Command>("ticket_hold", noun: "ticket");
        Host<ReleaseTicket.Command>("ticket_release", noun: "ticket");
        Host<DeleteTicket.Command>("ticket_delete");
        Host<ShowTicket.Query>("ticket");
        Host<ListTickets.Query>("tickets", noun: "tickets");
        Host<ShowBoard.Query>("board");
        Host<ListCards.Query>("board_cards");
        Host<SubscribeBoard.Query>("subscribe_board");
        Get<ListTickets.Query>("/api/v1/tickets");
        Post<CreateTicket.Command>("/api/v1/tickets");
        Post<LoadTickets.Command>("/api/v1/tickets/load");
        Post<ApproveById.Command>("/api/v1/tickets/approve");
        Post<RejectById.Command>("/api/v1/tickets/reject");
        Get<CountPending.Query>("/api/v1/tickets/pending-review-count");
        Get<ShowApproval.Query>("/api/v1/tickets/approval-status");
        Get<GetTicket.Query>("/api/v1/tickets/{id}");
        Patch<ChangeTicket.Command>("/api/v1/tickets/{id}");
        Delete<DeleteTicket.Command>("/api/v1/tickets/{id}");
        Get<ListHistory.Query>("/api/v1/tickets/{id}/history");
        Get<CanTransition.Query>("/api/v1/tickets/{id}/can-transition/{to_phase}");
        Post<MoveTicket.Command>("/api/v1/tickets/{id}/transition");
        Post<MoveTicket.Command>("/api/v1/tickets/{id}/phase-transition");
        Post<CheckAdvance.Command>("/api/v1/tickets/{id}/check-advance");
        Post<RegressTicket.Command>("/api/v1/tickets/{id}/regress");
        Post<BlockTicket.Command>("/api/v1/tickets/{id}/block");
        Post<UnblockTicket.Command>("/api/v1/tickets/{id}/unblock");
        Post<HoldTicket.Command>("/api/v1/tickets/{id}/hold");
        Post<ReleaseTicket.Command>("/api/v1/tickets/{id}/release");
        Post<CommentTicket.Command>("/api/v1/tickets/{id}/comments");
        Post<LinkTickets.Command>("/api/v1/tickets/{id}/links");
        Get<ViewBoard.Query>("/api/v1/board/view");
        Get<ListCards.Query>("/api/v1/board/cards");
        Get<BoardStats.Query>("/api/v1/board/stats");
        Get<WipViolations.Query>("/api/v1/board/wip-violations");
        Get<ShowColumn.Query>("/api/v1/board/column/{phase_id}");
        Post<MoveCard.Command>("/api/v1/board/move");
        Post<AutoTransition.Command>("/api/v1/board/auto-transition/{ticket_id}");
    }

    protected override void Services(IServiceCollection services)
    {
        // Those that fill the seams know the tickets.
        Later<IPhaseEntered>(services);
        Later<ITicketHeld>(services);
        Later<ITicketRemoved>(services);
        Later<ITicketTasks>(services);
        Later<ITicketWork>(services);
        Later<ITicketWaits>(services);
        Later<ITicketEvidence>(services);
        Later<IGateVerdicts>(services);
        services
            .AddSingleton<ColumnCounts>()
            .AddSingleton<TicketViews>()
            .AddSingletonAs<TicketCards, IHostedService>()
            .AddSingleton<TicketTable>()
            .AddSingleton(TicketTable.LeftHistory)
            .AddSingleton<TicketNews>()
            .AddSingleton<Blocks>()
            .AddSingleton<Links>()
            .AddSingleton<MoveRules>()
            .AddSingleton<MoveWrites>()
            .AddSingleton<TicketWrites>()
            .AddSingleton<Moves>()
            .AddSingleton<RemovedTickets>()
            .AddSingleton<ApprovalDeadlines>()
            .AddSingleton<NewTickets>()
            .AddSingleton<TicketSteps>()
            .AddSingleton<AutoTransition.Steps>()
            .AddSingleton<BoardReader>()
            .AddSingleton<TicketSweep>()
            .AddSingleton<ITickets, TicketChanges>()
            .AddSingleton<IWorkflowTickets, WorkflowTickets>()
            .AddHostedService<TicketTimers>();
    }

    private static void Later<T>(IServiceCollection services)
        where T : class => services.AddSingleton(provider => new Lazy<IEnumerable<T>>(provider.GetServices<T>));
}
