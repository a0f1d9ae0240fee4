using Hive.Common.Errors;
using Hive.Runtimes;
using Hive.Runtimes.Local;

namespace Hive.Tests.Containers;

/// <summary>Tests which results of a later trial are not used, because an agent may have caused them.</summary>
public sealed class LostAbilityTests
{
    private static readonly Fault Some = new("it failed");

    [Fact]
    public void A_sandbox_loses_none_of_its_abilities_while_Hive_runs()
    {
        SandboxAbilities all = new(null, null, null, null);
        foreach (
            var less in new[]
            {
                all with
                {
                    NoNamespace = Some,
                },
                all with
                {
                    NoUser = Some,
                },
                all with
                {
                    NoFilter = Some,
                },
                all with
                {
                    NoNetwork = Some,
                },
            }
        )
        {
            Assert.NotNull(less.Lost(all));
            Assert.Null(less.Lost(less));
            Assert.Null(all.Lost(less));
        }

        var offline = all with { NoNetwork = Networks.NoRoute };
        Assert.Null(offline.Lost(all));
        Assert.NotNull((all with { NoNetwork = Some }).Lost(offline.Or(all)));
        Assert.Null((all with { NoNetwork = Some }).Lost(offline.Or(null)));
    }

    [Fact]
    public void Nspawn_loses_none_of_its_abilities_while_Hive_runs()
    {
        NspawnAbilities all = new(null, null, null);
        foreach (
            var less in new[]
            {
                all with
                {
                    NoUser = Some,
                },
                all with
                {
                    NoFilter = Some,
                },
                all with
                {
                    NoNetwork = Some,
                },
            }
        )
        {
            Assert.NotNull(less.Lost(all));
            Assert.Null(less.Lost(less));
            Assert.Null(all.Lost(less));
        }

        var offline = all with { NoNetwork = Networks.NoRoute };
        Assert.Null(offline.Lost(all));
        Assert.NotNull((all with { NoNetwork = Some }).Lost(offline.Or(all)));
        Assert.Null((all with { NoNetwork = Some }).Lost(offline.Or(null)));
    }

    [Fact]
    public void An_ability_is_not_lost_in_two_steps_through_an_offline_machine()
    {
        SandboxAbilities all = new(null, null, null, null);
        var offline = all with { NoNetwork = Networks.NoRoute };
        FoundAbilities<SandboxAbilities> found = new(all);

        Assert.Null(found.Keep(all));
        Assert.Null(found.Keep(offline));
        Assert.NotNull(found.Keep(all with { NoNetwork = Some }));

        Assert.Equal(offline, found.Last);
    }

    [Theory]
    [InlineData("bwrap: Creating new namespace failed: Resource temporarily unavailable", true)]
    [InlineData("setpriv: setresuid failed: Operation not permitted", false)]
    public void A_shortage_is_told_from_a_refusal(string error, bool mayPass) =>
        Assert.Equal(mayPass, Trial.MayPass(error));
}
