using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features;

/// <summary>The list of all slices.</summary>
internal static class Features
{
    /// <summary>Every slice's module, in the order in which their hosted services start; they stop in reverse
    /// order.</summary>
    public static IReadOnlyList<FeatureModule> InStartOrder() =>
        [
            new Agents.AgentsModule(),
            // Before everything that writes: a database whose workflows cannot be read is refused as it is.
            new Workflows.WorkflowsModule(),
            new StateFiles.StateFilesModule(),
            new Messages.MessagesModule(),
            // Before Containers: a harness requests pending controls first.
            new Turns.TurnsModule(),
            // Before Containers: what was missed while Hive was down is queued before agents can ask again.
            new Questions.QuestionsModule(),
            new Reminders.RemindersModule(),
            // Before Meta and Containers: a deploy to be rolled back must be neither locked nor started.
            new Approvals.ApprovalsModule(),
            // Before Containers, which are built from what is applied.
            new Meta.MetaModule(),
            // Before Containers: the turn that an agent begins belongs to a run, in a phase of a workflow.
            new Tickets.TicketsModule(),
            // Before Tasks: a task that is held for a lock looks whether that is still so.
            new Locks.LocksModule(),
            // Before Tasks, whose claims ask the budgets.
            new Costs.CostsModule(),
            // After Messages, whose open turns it reads, and after Workflows.
            new Tasks.TasksModule(),
            // Before Containers, which open the agents' proxies.
            new Egress.EgressModule(),
            new Containers.ContainersModule(),
            new Making.MakingModule(),
            // After all slices whose work it pushes.
            new Forge.ForgeModule(),
            // After tickets and tasks, whose marks it judges at start.
            new Gates.GatesModule(),
            // After tasks, whose runs its handoffs belong to.
            new Collaboration.CollaborationModule(),
            new Preferences.PreferencesModule(),
            new Audit.AuditModule(),
            new Dashboard.DashboardModule(),
            // After all slices whose things and rows it reads at start.
            new Waiting.WaitingModule(),
            new Doctor.DoctorModule(),
            new Backups.BackupsModule(),
        ];

    /// <summary>Registers all slices and the services they share.</summary>
    public static IServiceCollection AddHiveFeatures(this IServiceCollection services)
    {
        services.AddHiveMessaging(typeof(Features).Assembly).AddHiveCommon(HiveVersion.Text);
        foreach (var module in InStartOrder())
            services.AddModule(module);
        // After all slices: a start that one of them refuses leaves the database as it is.
        return services.AddHostedService(provider => provider.GetRequiredService<Leftovers>());
    }
}
