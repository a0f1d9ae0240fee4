using System.CommandLine;

namespace Hive.Cli;

/// <summary>Lists the verbs of every slice; <c>hive help</c> shows them in groups.</summary>
internal static class Verbs
{
    public static IEnumerable<Command> All() =>
        [
            .. Host.HostVerbs.All(),
            .. Demo.DemoVerbs.All(),
            .. Dashboard.DashboardVerbs.All(),
            .. Audit.AuditVerbs.All(),
            .. Waiting.WaitingVerbs.All(),
            .. Agents.AgentsVerbs.All(),
            .. Containers.ContainersVerbs.All(),
            .. Join.JoinVerbs.All(),
            .. Messages.MessagesVerbs.All(),
            .. Questions.QuestionsVerbs.All(),
            .. Approvals.ApprovalsVerbs.All(),
            .. Reminders.RemindersVerbs.All(),
            .. Tickets.TicketsVerbs.All(),
            .. Tasks.TasksVerbs.All(),
            .. Locks.LocksVerbs.All(),
            .. Gates.GatesVerbs.All(),
            .. Collaboration.ThreadsVerbs.All(),
            .. Costs.CostsVerbs.All(),
            .. Workflows.WorkflowsVerbs.All(),
            .. Turns.TurnsVerbs.All(),
            .. Meta.MetaVerbs.All(),
            .. Forge.ForgeVerbs.All(),
            .. Doctor.DoctorVerbs.All(),
            .. Backups.BackupsVerbs.All(),
            .. Completion.CompletionVerbs.All(),
        ];
}
