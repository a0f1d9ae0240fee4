using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Containers;

/// <summary>Tests the git configuration that an agent's programs see.</summary>
public sealed class AgentGitTests
{
    public static TheoryData<string> Runtimes => Ring.IsLong ? ["process", "sandbox"] : ["process"];

    [Theory, Sampled]
    [MemberData(nameof(Runtimes))]
    public async Task A_commit_needs_no_setup_and_the_agents_own_git_configuration_overrides_ours(string runtime)
    {
        await using var fleet = await Fleet.Start(runtime);
        fleet.Configure(
            "worker",
            """
            driver: command
            command:
              - sh
              - -ec
              - |
                git init -q repo 2>&1
                cd repo
                git commit -q --allow-empty -m one 2>&1
                git config user.name own
                git commit -q --allow-empty -m two 2>&1
                git log --reverse --format='%an <%ae> %cn <%ce>'
            """
        );
        await fleet.Spawn("worker", runtime);
        var events = await fleet.Hive.Events();
        await (await fleet.Hive.Operator()).Send("worker", "commit");
        Assert.Equal(
            "worker <worker@hive.local> worker <worker@hive.local>\nown <worker@hive.local> own <worker@hive.local>",
            await Answer(events)
        );
    }

    private static async Task<string> Answer(EventReader events)
    {
        while (true)
        {
            var message = (await events.Next("sent")).GetProperty("message");
            if (message.GetProperty("to").GetString() == "operator")
                return message.GetProperty("body").GetString()!;
        }
    }
}
