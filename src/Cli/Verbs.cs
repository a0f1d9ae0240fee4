using System.CommandLine;
using Hive.Cli.Agents;
using Hive.Cli.Approvals;
using Hive.Cli.Backups;
using Hive.Cli.Containers;
using Hive.Cli.Dashboard;
using Hive.Cli.Demo;
using Hive.Cli.Doctor;
using Hive.Cli.Forge;
using Hive.Cli.Host;
using Hive.Cli.Join;
using Hive.Cli.Messages;
using Hive.Cli.Questions;
using Hive.Cli.Reminders;
using Hive.Cli.Turns;

namespace Hive.Cli;

/// <summary>Lists the verbs of every slice, in the order of <c>hive --help</c>.</summary>
internal static class Verbs
{
    public static IEnumerable<Command> All() =>
        [
            .. HostVerbs.All(),
            .. DemoVerbs.All(),
            .. DashboardVerbs.All(),
            .. AgentsVerbs.All(),
            .. ContainersVerbs.All(),
            .. JoinVerbs.All(),
            .. MessagesVerbs.All(),
            .. QuestionsVerbs.All(),
            .. ApprovalsVerbs.All(),
            .. RemindersVerbs.All(),
            .. TurnsVerbs.All(),
            .. ForgeVerbs.All(),
            .. DoctorVerbs.All(),
            .. BackupsVerbs.All(),
        ];
}
