using System.CommandLine;

namespace Hive.Cli;

/// <summary>Lists the verbs of every slice, in the order of <c>hive --help</c>.</summary>
internal static class Verbs
{
    public static IEnumerable<Command> All() =>
        [
            .. Host.HostVerbs.All(),
            .. Demo.DemoVerbs.All(),
            .. Dashboard.DashboardVerbs.All(),
            .. Waiting.WaitingVerbs.All(),
            .. Agents.AgentsVerbs.All(),
            .. Containers.ContainersVerbs.All(),
            .. Join.JoinVerbs.All(),
            .. Messages.MessagesVerbs.All(),
            .. Questions.QuestionsVerbs.All(),
            .. Approvals.ApprovalsVerbs.All(),
            .. Reminders.RemindersVerbs.All(),
            .. Turns.TurnsVerbs.All(),
            .. Forge.ForgeVerbs.All(),
            .. Doctor.DoctorVerbs.All(),
            .. Backups.BackupsVerbs.All(),
        ];
}
