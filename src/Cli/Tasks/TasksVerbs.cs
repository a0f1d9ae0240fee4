using System.CommandLine;

namespace Hive.Cli.Tasks;

internal static class TasksVerbs
{
    public static Command[] All()
    {
        var task = ListTasksVerb.Create("task", "List, show, add and change tasks, and show their graph.");
        task.Subcommands.Add(ListTasksVerb.Create("list", "List the tasks, the newest first."));
        task.Subcommands.Add(ShowTaskVerb.Create());
        task.Subcommands.Add(AddTaskVerb.Create());
        foreach (var verb in ChangeTaskVerb.All())
            task.Subcommands.Add(verb);
        task.Subcommands.Add(TaskGraphVerb.Create());
        return [task, DiscoveryVerb.Create()];
    }
}
